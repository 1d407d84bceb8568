package io.fathom.routing;

import java.io.Serializable;

/** Whether routed blocks choose the same tokens. */
public final class AgreementFold implements Serializable {
    private static final long serialVersionUID = 1L;

    private final long[][] both;
    private final long[][] either;

    AgreementFold(int layers) {
        both = new long[layers][layers];
        either = new long[layers][layers];
    }

    void add(RoutingTrace trace) {
        for (int a = 0; a < both.length; a++) {
            boolean[] one = trace.layers().get(a).selected();
            for (int b = a + 1; b < both.length; b++) {
                boolean[] other = trace.layers().get(b).selected();
                for (int t = 0; t < one.length; t++) {
                    both[a][b] += one[t] && other[t] ? 1 : 0;
                    either[a][b] += one[t] || other[t] ? 1 : 0;
                }
            }
        }
    }

    void merge(AgreementFold other) {
        for (int a = 0; a < both.length; a++) {
            for (int b = 0; b < both.length; b++) {
                both[a][b] += other.both[a][b];
                either[a][b] += other.either[a][b];
            }
        }
    }

    /** Tokens that both the {@code a}-th and the {@code b}-th routed block computed, a < b. */
    public long both(int a, int b) {
        return both[a][b];
    }

    /** Tokens that either computed. */
    public long either(int a, int b) {
        return either[a][b];
    }

    /** |A and B| / |A or B| over all sequences: 1 for the same choice, 0 for no token in common. */
    public double jaccard(int a, int b) {
        return (double) both[a][b] / either[a][b];
    }

    /** What two blocks of selection rates p and q would reach by chance: pq / (p + q - pq). */
    public static double chanceJaccard(double p, double q) {
        return p * q / (p + q - p * q);
    }
}
