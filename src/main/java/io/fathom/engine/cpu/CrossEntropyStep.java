package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.CrossEntropy}: lanes share the rows; {@link MeanStep} makes the loss. */
record CrossEntropyStep(Floats logits, int[] targets, Floats losses, Floats logSumExp, int rows, int columns)
        implements Step {
    @Override
    public void run(Lane lane) {
        int to = lane.to(rows);
        for (int row = lane.from(rows); row < to; row++) {
            logits.get(row * columns, lane.a, columns);
            float target = lane.a[targets[row]];
            float shift = SoftmaxRows.exponentials(lane.a, columns, lane.b, lane.c);
            float log = (float) Math.log(Vectors.sum(lane.a, 0, columns));
            losses.put(row, log - (target - shift));
            logSumExp.put(row, log + shift);
        }
    }
}
