package io.fathom.decode.evaluation;

import java.io.Serializable;

/**
 * Real numbers of two classes counted in bins as fine as their size: sign, exponent and 7 bits of mantissa, so that a
 * bin is at most 0.8 % wide. Gives the area under the ROC curve.
 */
final class RankHistogram implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final int BINS = 1 << 16;

    private final long[][] counts = new long[2][BINS];

    void add(double value, boolean positive) {
        int bits = Float.floatToIntBits((float) value + 0f);
        int rising = bits >= 0 ? bits | Integer.MIN_VALUE : ~bits;
        counts[positive ? 1 : 0][rising >>> 16]++;
    }

    void merge(RankHistogram other) {
        for (int side = 0; side < 2; side++) {
            for (int i = 0; i < BINS; i++) {
                counts[side][i] += other.counts[side][i];
            }
        }
    }

    /**
     * The probability that a positive exceeds a negative, ties counted half, values of one bin being ties; NaN unless
     * there are both.
     */
    double area() {
        double wins = 0;
        long below = 0;
        long positives = 0;
        for (int i = 0; i < BINS; i++) {
            wins += (double) counts[1][i] * (below + counts[0][i] / 2.0);
            below += counts[0][i];
            positives += counts[1][i];
        }
        return wins / ((double) positives * below);
    }
}
