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
        int chunk = Lane.rowsOfBlock(vocabulary);
        for (int row = from; row < from + n; row += chunk) {
            differentiate(lane, row, Math.min(chunk, from + n - row));
        }
        lane.blas.gemm(
                false, false, n, width, vocabulary, 1f, block, vocabulary, table.at(0), width, 0f, dx.at(xs), width);
    }

    /** Logits of {@code n} rows from {@code row} of the block on to dLogits, in place; their losses. */
    private void differentiate(Lane lane, int row, int n) {
        float[] z = lane.a;
        logits.get(row * vocabulary, z, n * vocabulary);
        for (int i = 0; i < n; i++) {
            lane.d[i] = z[i * vocabulary + targets[first + row + i]];
        }
        float shift = SoftmaxRows.exponentials(z, n * vocabulary, lane.b, lane.c);
        float factor = (float) (weight / rows);
        for (int i = 0; i < n; i++) {
            int at = i * vocabulary;
            float own = shift;
            float sum = Vectors.sum(z, at, at + vocabulary);
            if (SoftmaxRows.lost(sum)) {
                own = again(lane, (row + i) * vocabulary, at);
                sum = Vectors.sum(z, at, at + vocabulary);
            }
            lane.d[i] = (float) Math.log(sum) - (lane.d[i] - own);
            Vectors.scale(z, at, at + vocabulary, factor / sum);
            z[at + targets[first + row + i]] -= factor;
        }
        losses.put(first + row, lane.d, n);
        logits.put(row * vocabulary, z, n * vocabulary);
    }

    /** One row with a shift of its own, from the logits as they were; returns the shift. */
    private float again(Lane lane, int from, int at) {
        logits.get(from, lane.e, vocabulary);
        float shift = SoftmaxRows.exponentials(lane.e, vocabulary, lane.b, lane.c);
        System.arraycopy(lane.e, 0, lane.a, at, vocabulary);
        return shift;
    }
}
