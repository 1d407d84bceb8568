package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.Gelu}: lanes share the elements. */
record GeluStep(Floats x, Floats y, int length) implements Step {
    /** sqrt(2 / pi). */
    private static final float ROOT = (float) Math.sqrt(2 / Math.PI);

    private static final float CUBIC = 0.044715f;
    /** Beyond this tanh is 1 in single precision. */
    private static final float FLAT = 10f;

    @Override
    public void run(Lane lane) {
        int to = lane.to(length);
        for (int at = lane.from(length); at < to; at += Lane.BLOCK) {
            int n = Math.min(Lane.BLOCK, to - at);
            x.get(at, lane.a, n);
            sigmoid(lane.a, lane.b, n);
            apply(lane.a, lane.b, n);
            y.put(at, lane.a, n);
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
