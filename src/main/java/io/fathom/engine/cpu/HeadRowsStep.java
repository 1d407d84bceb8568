package io.fathom.engine.cpu;

/**
 * The first half of {@link io.fathom.program.Instruction.HeadLoss} for a block of rows: logits into scratch, losses,
 * dLogits in their place, dx. Lanes share the rows; {@link HeadTableStep} is the other half.
 *
 * @param rows of x altogether
 * @param first row of the block
 * @param count rows of the block
 */
record HeadRowsStep(
        Floats x,
        Floats table,
        int[] targets,
        double weight,
        Floats losses,
        Floats dx,
        Floats logits,
        int rows,
        int first,
        int count,
        int width,
        int vocabulary)
        implements Step {
    @Override
    public void run(Lane lane) {
        int from = lane.from(count);
        int n = lane.to(count) - from;
        if (n == 0) {
            return;
        }
        long block = logits.at((long) from * vocabulary);
        long xs = (long) (first + from) * width;
        lane.blas.gemm(
                false, true, n, vocabulary, width, 1f, x.at(xs), width, table.at(0), width, 0f, block, vocabulary);
        for (int i = from; i < from + n; i++) {
            differentiate(lane, i);
        }
        lane.blas.gemm(
                false, false, n, width, vocabulary, 1f, block, vocabulary, table.at(0), width, 0f, dx.at(xs), width);
    }

    private void differentiate(Lane lane, int i) {
        int target = targets[first + i];
        logits.get(i * vocabulary, lane.a, vocabulary);
        float logit = lane.a[target];
        CrossEntropyRows.exponentials(lane.a, 0, vocabulary, lane.pair);
        losses.put(first + i, (float) Math.log(lane.pair[1]) - (logit - lane.pair[0]));
        Vectors.scale(lane.a, 0, vocabulary, (float) (weight / rows / lane.pair[1]));
        lane.a[target] -= (float) (weight / rows);
        logits.put(i * vocabulary, lane.a, vocabulary);
    }
}
