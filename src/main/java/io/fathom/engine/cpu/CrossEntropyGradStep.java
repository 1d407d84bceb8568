package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.CrossEntropyGrad}: lanes share the rows. */
record CrossEntropyGradStep(
        Floats logits, int[] targets, Floats logSumExp, double weight, Floats dLogits, int rows, int columns)
        implements Step {
    @Override
    public void run(Lane lane) {
        float factor = (float) (weight / rows);
        int to = lane.to(rows);
        for (int row = lane.from(rows); row < to; row++) {
            logits.get(row * columns, lane.a, columns);
            Vectors.expOfShifted(lane.a, 0, columns, logSumExp.get(row));
            Vectors.scale(lane.a, 0, columns, factor);
            lane.a[targets[row]] -= factor;
            dLogits.put(row * columns, lane.a, columns);
        }
    }
}
