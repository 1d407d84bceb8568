package io.fathom.engine.cpu;

import org.jspecify.annotations.Nullable;

/**
 * {@link io.fathom.program.Instruction.Gelu}: lanes share the rows.
 *
 * @param bias added to each row of x first, where the product that made x left that to this step: x is read here anyway
 * @param slopes whether gelu'(x) takes the place of x, for {@link ProductStep} to use in place of a gradient step that
 *     would have to make the same exponentials again
 */
record GeluStep(Floats x, @Nullable Floats bias, Floats y, int rows, int columns, boolean slopes) implements Step {
    /** sqrt(2 / pi). */
    private static final float ROOT = (float) Math.sqrt(2 / Math.PI);

    private static final float CUBIC = 0.044715f;
    /** Beyond this tanh is 1 in single precision. */
    private static final float FLAT = 10f;

    @Override
    public void run(Lane lane) {
        int block = Lane.rowsOfBlock(columns);
        int to = lane.to(rows);
        if (bias != null) {
            bias.get(0, lane.d, columns);
            Vectors.repeat(lane.d, columns, Math.min(block, rows));
        }
        for (int row = lane.from(rows); row < to; row += block) {
            int n = Math.min(block, to - row) * columns;
            x.get(row * columns, lane.a, n);
            if (bias != null) {
                Vectors.add(lane.a, lane.d, n);
            }
            sigmoid(lane.a, lane.b, n);
            if (slopes) {
                slope(lane.a, lane.b, lane.c, n);
                x.put(row * columns, lane.c, n);
            }
            apply(lane.a, lane.b, n);
            y.put(row * columns, lane.a, n);
        }
    }

    /**
     * s = 1 / (1 + e^(-2|u|)) with u = sqrt(2/pi) (x + 0.044715 x^3), without a branch: 0.5 (1 + tanh u) is s for
     * positive x and 1 - s for negative x.
     */
    static void sigmoid(float[] x, float[] s, int n) {
        for (int i = 0; i < n; i++) {
            float v = x[i];
            float u = Math.abs(Math.fma(CUBIC * ROOT * v * v, v, ROOT * v));
            float p = Vectors.expNearZero(Math.min(u, FLAT) * (-2f / 32));
            p *= p;
            p *= p;
            p *= p;
            p *= p;
            p *= p;
            s[i] = 1f / (1f + p);
        }
    }

    /** x = gelu(x) = |x| s + (x - |x|) / 2. */
    static void apply(float[] x, float[] s, int n) {
        for (int i = 0; i < n; i++) {
            float magnitude = Math.abs(x[i]);
            x[i] = Math.fma(magnitude, s[i], 0.5f * (x[i] - magnitude));
        }
    }

    /** slope = gelu'(x) = sx + 2 |x| s (1 - s) |u'|, with the sign of x, where sx is s or 1 - s by that sign. */
    static void slope(float[] x, float[] s, float[] slope, int n) {
        for (int i = 0; i < n; i++) {
            float v = x[i];
            float sign = v / (Math.abs(v) + 1e-30f);
            float twiceSlopeOfU = 2f * ROOT * Math.fma(3f * CUBIC * v, v, 1f);
            slope[i] = Math.fma(sign, s[i] - 0.5f, 0.5f) + v * s[i] * (1f - s[i]) * twiceSlopeOfU;
        }
    }
}
