package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.MeanSquare}, in double, by the first lane. */
record MeanSquareStep(Floats z, Floats loss) implements Step {
    @Override
    public void run(Lane lane) {
        if (!lane.first()) {
            return;
        }
        double sum = 0;
        for (int i = 0; i < z.length(); i++) {
            sum += (double) z.get(i) * z.get(i);
        }
        loss.put(0, (float) (sum / z.length()));
    }
}
