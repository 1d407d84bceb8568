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
        for (int row = lane.from(rows); row < to; row += block) {
            int n = Math.min(block, to - row);
            x.get(row * width, lane.a, n * width);
            for (int i = 0; i < n; i++) {
                normalise(lane.a, i * width, lane.b, lane.c, row + i);
            }
            y.put(row * width, lane.a, n * width);
        }
    }

    private void normalise(float[] a, int at, float[] gains, float[] biases, int row) {
        float m = Vectors.sum(a, at, at + width) / width;
        Vectors.subtract(a, at, at + width, m);
        float variance = Vectors.dot(a, at, a, at, width) / width;
        float r = (float) (1 / Math.sqrt(variance + epsilon));
        for (int i = 0; i < width; i++) {
            a[at + i] = Math.fma(a[at + i] * r, gains[i], biases[i]);
        }
        mean.put(row, m);
        rstd.put(row, r);
    }
}
