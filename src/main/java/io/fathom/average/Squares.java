package io.fathom.average;

/**
 * Sums of squares in double. Four sums side by side, since a processor adds doubles one after the other only every
 * fourth cycle.
 */
final class Squares {
    private Squares() {}

    /** The sum of (a - b)^2 over {@code n} elements from {@code atA} and {@code atB} on. */
    static double distance(float[] a, int atA, float[] b, int atB, int n) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int i = 0;
        for (; i + 3 < n; i += 4) {
            double d0 = (double) a[atA + i] - b[atB + i];
            double d1 = (double) a[atA + i + 1] - b[atB + i + 1];
            double d2 = (double) a[atA + i + 2] - b[atB + i + 2];
            double d3 = (double) a[atA + i + 3] - b[atB + i + 3];
            s0 += d0 * d0;
            s1 += d1 * d1;
            s2 += d2 * d2;
            s3 += d3 * d3;
        }
        for (; i < n; i++) {
            double d = (double) a[atA + i] - b[atB + i];
            s0 += d * d;
        }
        return s0 + s1 + (s2 + s3);
    }

    /** The sum of the squares of the first {@code n} elements. */
    static double sum(float[] a, int n) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int i = 0;
        for (; i + 3 < n; i += 4) {
            s0 += (double) a[i] * a[i];
            s1 += (double) a[i + 1] * a[i + 1];
            s2 += (double) a[i + 2] * a[i + 2];
            s3 += (double) a[i + 3] * a[i + 3];
        }
        for (; i < n; i++) {
            s0 += (double) a[i] * a[i];
        }
        return s0 + s1 + (s2 + s3);
    }
}
