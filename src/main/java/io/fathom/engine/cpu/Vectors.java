package io.fathom.engine.cpu;

/** Loops over pieces of {@code float[]}, written so that the JVM turns them into vector code. */
final class Vectors {
    /** Exponents below this give what this gives, 1.8e-35, so that no result is subnormal. */
    static final float LEAST_EXPONENT = -80f;

    private Vectors() {}

    /** y = e^y for y in (-inf, 0], to 4e-6 of the result: a polynomial at y / 64, then six squarings. NaN stays NaN. */
    static void expOfNegative(float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            float p = expNearZero(Math.max(y[i], LEAST_EXPONENT) * (1f / 64));
            p *= p;
            p *= p;
            p *= p;
            p *= p;
            p *= p;
            y[i] = p * p;
        }
    }

    /** e^t for small t: seven terms of its series. */
    static float expNearZero(float t) {
        float p = Math.fma(t, 1f / 720, 1f / 120);
        p = Math.fma(t, p, 1f / 24);
        p = Math.fma(t, p, 1f / 6);
        p = Math.fma(t, p, 0.5f);
        p = Math.fma(t, p, 1f);
        return Math.fma(t, p, 1f);
    }

    /** Sum of x[from..to), in eight running sums, so in one order always. */
    static float sum(float[] x, int from, int to) {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
        int i = from;
        for (; i < to - 7; i += 8) {
            s0 += x[i];
            s1 += x[i + 1];
            s2 += x[i + 2];
            s3 += x[i + 3];
            s4 += x[i + 4];
            s5 += x[i + 5];
            s6 += x[i + 6];
            s7 += x[i + 7];
        }
        for (; i < to; i++) {
            s0 += x[i];
        }
        return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    }

    /** Sum of x[atX + i] * y[atY + i] for i below n, in eight running sums. */
    static float dot(float[] x, int atX, float[] y, int atY, int n) {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
        int i = 0;
        for (; i < n - 7; i += 8) {
            s0 = Math.fma(x[atX + i], y[atY + i], s0);
            s1 = Math.fma(x[atX + i + 1], y[atY + i + 1], s1);
            s2 = Math.fma(x[atX + i + 2], y[atY + i + 2], s2);
            s3 = Math.fma(x[atX + i + 3], y[atY + i + 3], s3);
            s4 = Math.fma(x[atX + i + 4], y[atY + i + 4], s4);
            s5 = Math.fma(x[atX + i + 5], y[atY + i + 5], s5);
            s6 = Math.fma(x[atX + i + 6], y[atY + i + 6], s6);
            s7 = Math.fma(x[atX + i + 7], y[atY + i + 7], s7);
        }
        for (; i < n; i++) {
            s0 = Math.fma(x[atX + i], y[atY + i], s0);
        }
        return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    }

    /** Largest of x[from..to); NaN entries may be passed over. */
    static float max(float[] x, int from, int to) {
        float m0 = x[from], m1 = m0, m2 = m0, m3 = m0;
        int i = from;
        for (; i < to - 3; i += 4) {
            m0 = x[i] > m0 ? x[i] : m0;
            m1 = x[i + 1] > m1 ? x[i + 1] : m1;
            m2 = x[i + 2] > m2 ? x[i + 2] : m2;
            m3 = x[i + 3] > m3 ? x[i + 3] : m3;
        }
        for (; i < to; i++) {
            m0 = x[i] > m0 ? x[i] : m0;
        }
        return Math.max(Math.max(m0, m1), Math.max(m2, m3));
    }

    /** x[from..to) -= value. */
    static void subtract(float[] x, int from, int to, float value) {
        for (int i = from; i < to; i++) {
            x[i] -= value;
        }
    }

    /** x[from..to) *= factor. */
    static void scale(float[] x, int from, int to, float factor) {
        for (int i = from; i < to; i++) {
            x[i] *= factor;
        }
    }

    /** x[atX + i] += y[atY + i] for i below n. */
    static void add(float[] x, int atX, float[] y, int atY, int n) {
        for (int i = 0; i < n; i++) {
            x[atX + i] += y[atY + i];
        }
    }

    /** x[atX + i] += factor * y[atY + i] for i below n. */
    static void addScaled(float[] x, int atX, float factor, float[] y, int atY, int n) {
        for (int i = 0; i < n; i++) {
            x[atX + i] = Math.fma(factor, y[atY + i], x[atX + i]);
        }
    }
}
