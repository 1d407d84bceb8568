package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.BinaryCrossEntropy}, in double, by the first lane: one number a token. */
record BinaryCrossEntropyStep(Floats z, Floats mask, Floats loss) implements Step {
    @Override
    public void run(Lane lane) {
        if (!lane.first()) {
            return;
        }
        double sum = 0;
        for (int i = 0; i < z.length(); i++) {
            double v = z.get(i);
            double softplus = Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
            sum += softplus - mask.get(i) * v;
        }
        loss.put(0, (float) (sum / z.length()));
    }
}
