package io.fathom.engine.cpu;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * {@link io.fathom.program.Instruction.LayerNormGrad}: lanes share the rows and sum dGain and dBias in their partials,
 * at {@code atGain} and {@code atBias}.
 */
record LayerNormGradStep(
        Floats x,
        Floats gain,
        Floats mean,
        Floats rstd,
        Floats dy,
        @Nullable Floats addend,
        Floats dx,
        int atGain,
        int atBias,
        int rows,
        int width)
        implements Step {
    @Override
    public void run(Lane lane) {
        int block = Lane.rowsOfBlock(width);
        int to = lane.to(rows);
        float[] a = lane.a;
        float[] b = lane.b;
        int repeated = Math.min(block, rows);
        gain.get(0, lane.c, width);
        Vectors.repeat(lane.c, width, repeated);
        Arrays.fill(lane.d, 0, repeated * width, 0f);
        Arrays.fill(lane.e, 0, repeated * width, 0f);
        for (int row = lane.from(rows); row < to; row += block) {
            int n = Math.min(block, to - row);
            x.get(row * width, a, n * width);
            dy.get(row * width, b, n * width);
            for (int i = 0; i < n; i++) {
                standardise(a, i * width, (i + 1) * width, mean.get(row + i), rstd.get(row + i));
            }
            sumAndScale(a, b, lane.c, lane.d, lane.e, n * width);
            for (int i = 0; i < n; i++) {
                project(a, b, i * width, rstd.get(row + i));
            }
            if (addend != null) {
                addend.get(row * width, a, n * width);
                Vectors.add(b, a, n * width);
            }
            dx.put(row * width, b, n * width);
        }
        lane.leaveSum(lane.d, repeated, width, atGain);
        lane.leaveSum(lane.e, repeated, width, atBias);
    }

    private static void standardise(float[] a, int from, int to, float m, float r) {
        for (int i = from; i < to; i++) {
            a[i] = (a[i] - m) * r;
        }
    }

    /** With xhat in x: adds to the sums of both gradients, row by row of the block, and turns dy into dy * gain. */
    private static void sumAndScale(float[] x, float[] dy, float[] gains, float[] dGain, float[] dBias, int n) {
        for (int i = 0; i < n; i++) {
            float d = dy[i];
            dGain[i] = Math.fma(d, x[i], dGain[i]);
            dBias[i] += d;
            dy[i] = d * gains[i];
        }
    }

    /** dx = rstd (u - mean(u) - xhat mean(u xhat)), in the place of u. */
    private void project(float[] x, float[] u, int at, float r) {
        float meanU = Vectors.sum(u, at, at + width) / width;
        float meanUx = Vectors.dot(x, at, u, at, width) / width;
        project(x, u, at, at + width, r, r * meanU, r * meanUx);
    }

    private static void project(float[] x, float[] u, int from, int to, float r, float shift, float slope) {
        for (int i = from; i < to; i++) {
            u[i] = Math.fma(r, u[i], -Math.fma(slope, x[i], shift));
        }
    }
}
