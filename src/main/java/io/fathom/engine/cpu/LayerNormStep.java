package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.LayerNorm}: lanes share the rows. */
record LayerNormStep(
        Floats x, Floats gain, Floats bias, double epsilon, Floats y, Floats mean, Floats rstd, int rows, int width)
        implements Step {
    @Override
    public void run(Lane lane) {
        int block = Lane.rowsOfBlock(width);
        int to = lane.to(rows);
        gain.get(0, lane.b, width);
        bias.get(0, lane.c, width);
        Vectors.repeat(lane.b, width, Math.min(block, rows));
        Vectors.repeat(lane.c, width, Math.min(block, rows));
        for (int row = lane.from(rows); row < to; row += block) {
            int n = Math.min(block, to - row);
            x.get(row * width, lane.a, n * width);
            for (int i = 0; i < n; i++) {
                standardise(lane.a, lane.b, lane.c, i * width, row + i);
            }
            y.put(row * width, lane.a, n * width);
        }
    }

    private void standardise(float[] a, float[] gains, float[] biases, int at, int row) {
        float m = Vectors.sum(a, at, at + width) / width;
        Vectors.subtract(a, at, at + width, m);
        float variance = Vectors.dot(a, at, a, at, width) / width;
        float r = (float) (1 / Math.sqrt(variance + epsilon));
        apply(a, r, gains, biases, at, at + width);
        mean.put(row, m);
        rstd.put(row, r);
    }

    private static void apply(float[] x, float r, float[] gains, float[] biases, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] = Math.fma(x[i] * r, gains[i], biases[i]);
        }
    }
}
