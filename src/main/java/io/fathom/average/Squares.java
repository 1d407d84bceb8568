package io.fathom.average;

import java.util.Arrays;

/**
 * Sums of squares: in float where few are added to one sum, in double from there on. A float holds a square to 2^-24 of
 * itself and each of {@link #BLOCKS} additions loses as little, so a sum is right to a millionth at worst; the JVM
 * turns such loops into vector code, and none that widen to double, which took half of a round's processor time.
 */
final class Squares {
    private static final int BLOCK = 1024;
    /** Squares that are added to one float. */
    private static final int BLOCKS = 16;

    private Squares() {}

    /** The sum of (a - b)^2 over {@code n} elements from {@code atA} and {@code atB} on. */
    static double distance(float[] a, int atA, float[] b, int atB, int n) {
        float[] x = new float[BLOCK];
        float[] y = new float[BLOCK];
        Sum sum = new Sum();
        for (int from = 0; from < n; from += BLOCK) {
            int length = Math.min(BLOCK, n - from);
            // Both at index 0: the JVM vectorises no other loop over two arrays.
            System.arraycopy(a, atA + from, x, 0, length);
            System.arraycopy(b, atB + from, y, 0, length);
            subtract(x, y, length);
            sum.add(x, length);
        }
        return sum.value();
    }

    /** The sum of the squares of the first {@code n} elements. */
    static double sum(float[] a, int n) {
        float[] x = new float[BLOCK];
        Sum sum = new Sum();
        for (int from = 0; from < n; from += BLOCK) {
            int length = Math.min(BLOCK, n - from);
            System.arraycopy(a, from, x, 0, length);
            sum.add(x, length);
        }
        return sum.value();
    }

    private static void subtract(float[] x, float[] y, int n) {
        for (int i = 0; i < n; i++) {
            x[i] -= y[i];
        }
    }

    private static final class Sum {
        private final float[] sums = new float[BLOCK];
        private int added;
        private double drained;

        void add(float[] x, int n) {
            for (int i = 0; i < n; i++) {
                sums[i] += x[i] * x[i];
            }
            if (++added == BLOCKS) {
                drain();
            }
        }

        double value() {
            drain();
            return drained;
        }

        private void drain() {
            for (float each : sums) {
                drained += each;
            }
            Arrays.fill(sums, 0);
            added = 0;
        }
    }
}
