package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.WeightedSum}, by the first lane. */
record WeightedSumStep(Floats[] terms, double[] weights, Floats total) implements Step {
    @Override
    public void run(Lane lane) {
        if (!lane.first()) {
            return;
        }
        double sum = 0;
        for (int i = 0; i < terms.length; i++) {
            sum += weights[i] * terms[i].get(0);
        }
        total.put(0, (float) sum);
    }
}
