package io.fathom.engine.cpu;

/**
 * Loops over pieces of {@code float[]}, written so that the JVM turns them into vector code.
 *
 * <p>It does so where all arrays of a loop are read and written at one and the same index, and not where rows lie at
 * different places: a row that goes with every row of a block is therefore repeated to the block's size first. Sums it
 * leaves alone, since their order would change; eight running sums keep the adders busy all the same.
 */
final class Vectors {
    /** Exponents below this give what this gives, 1.8e-35, so that no result is subnormal. */
    static final float LEAST_EXPONENT = -80f;

    /** What {@link #expOfPart} wants of an exponent: exact in binary, so that parts round as wholes do. */
    static final float PART = 1f / 32;

    /**
     * The least exponent of {@link #expOfPart}: its terms cross 0 below, and no result may be subnormal, since the
     * processor takes a hundred times as long for those.
     */
    private static final float LEAST_PART = -1.95f;

    private static final int ROOT_HALF = Float.floatToRawIntBits((float) Math.sqrt(0.5));
    private static final float LOG_2 = (float) Math.log(2);

    private Vectors() {}

    /**
     * y = e^(y - shift), to 4e-6 of the result, where y - shift is at most 1 or so: a polynomial at a 64th, then six
     * squarings. Differences below {@link #LEAST_EXPONENT} count as that; NaN stays NaN.
     */
    static void expOfShifted(float[] y, int from, int to, float shift) {
        for (int i = from; i < to; i++) {
            float p = expNearZero(Math.max(y[i] - shift, LEAST_EXPONENT) * (1f / 64));
            p *= p;
            p *= p;
            p *= p;
            p *= p;
            p *= p;
            y[i] = p * p;
        }
    }

    /** x[i] = e^((x[i] - y[i]) / PART) for i below n, and sums[i] += x[i], as {@link #expOfPart}. */
    static void sumExponentials(float[] x, float[] y, float[] sums, int n) {
        for (int i = 0; i < n; i++) {
            float p = expOfPart(x[i] - y[i]);
            x[i] = p;
            sums[i] += p;
        }
    }

    /** x[i] = e^((x[i] - y[i]) / PART) and dx[i] = (dx[i] - along[i]) x[i] for i below n, as {@link #expOfPart}. */
    static void differentiateExponentials(float[] x, float[] y, float[] dx, float[] along, int n) {
        for (int i = 0; i < n; i++) {
            float p = expOfPart(x[i] - y[i]);
            x[i] = p;
            dx[i] = (dx[i] - along[i]) * p;
        }
    }

    /**
     * e^(t / PART) for t / PART of at most 1 or so, to 3e-6 of the result and 5e-9 beside: six terms of the series of
     * e^t, then five squarings. 6e-35 at least.
     */
    private static float expOfPart(float t) {
        float z = Math.max(t, LEAST_PART);
        float p = Math.fma(z, 1f / 120, 1f / 24);
        p = Math.fma(z, p, 1f / 6);
        p = Math.fma(z, p, 0.5f);
        p = Math.fma(z, p, 1f);
        p = Math.fma(z, p, 1f);
        p *= p;
        p *= p;
        p *= p;
        p *= p;
        return p * p;
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

    /**
     * log x for positive normal x, to 1e-7: the exponent, and a series for the mantissa in [sqrt(1/2), sqrt(2)).
     * Several times faster than {@link Math#log}, of which attention would need one a row.
     */
    static float log(float x) {
        int bits = Float.floatToRawIntBits(x) - ROOT_HALF;
        int exponent = bits >> 23;
        float m = Float.intBitsToFloat((bits & 0x7fffff) + ROOT_HALF);
        float z = (m - 1) / (m + 1);
        float square = z * z;
        float p = Math.fma(square, 2f / 9, 2f / 7);
        p = Math.fma(square, p, 2f / 5);
        p = Math.fma(square, p, 2f / 3);
        p = Math.fma(square, p, 2f);
        return Math.fma(exponent, LOG_2, z * p);
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

    /** x[i] += y[i] for i below n. */
    static void add(float[] x, float[] y, int n) {
        for (int i = 0; i < n; i++) {
            x[i] += y[i];
        }
    }

    /** x[i] = max(x[i], y[i]) for i below n. */
    static void larger(float[] x, float[] y, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = Math.max(x[i], y[i]);
        }
    }

    /** Leaves the largest of {@code rows} rows of x, entry by entry, in the first. */
    static void largestOfRows(float[] x, int rows, int columns, float[] scratch) {
        for (int left = rows; left > 1; left -= left / 2) {
            int n = left / 2 * columns;
            System.arraycopy(x, left * columns - n, scratch, 0, n);
            larger(x, scratch, n);
        }
    }

    /** Leaves the sum of {@code rows} rows of x in the first. */
    static void sumOfRows(float[] x, int rows, int columns, float[] scratch) {
        for (int left = rows; left > 1; left -= left / 2) {
            int n = left / 2 * columns;
            System.arraycopy(x, left * columns - n, scratch, 0, n);
            add(x, scratch, n);
        }
    }

    /** x[i] += y[i] y[i] for i below n. */
    static void addSquares(float[] x, float[] y, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = Math.fma(y[i], y[i], x[i]);
        }
    }

    /** x[i] *= y[i] for i below n. */
    static void multiply(float[] x, float[] y, int n) {
        for (int i = 0; i < n; i++) {
            x[i] *= y[i];
        }
    }

    /** x[i] += factor * y[i] for i below n. */
    static void addScaled(float[] x, float factor, float[] y, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = Math.fma(factor, y[i], x[i]);
        }
    }

    /** Repeats the first {@code columns} entries of {@code row} until it holds {@code rows} copies. */
    static void repeat(float[] row, int columns, int rows) {
        for (int i = 1; i < rows; i++) {
            System.arraycopy(row, 0, row, i * columns, columns);
        }
    }
}
