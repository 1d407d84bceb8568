package io.fathom.routing;

import java.io.Serializable;

/**
 * How deep tokens went, and whether deep tokens were hard ones.
 *
 * <p>For the rank correlation losses are counted in steps of 1/256 nat up to 32 nats: counts merge exactly, and a
 * difference smaller than a step is a tie.
 */
public final class DepthFold implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Steps of one nat. */
    static final int STEPS = 256;

    private static final int BINS = 32 * STEPS;

    private final long[][] byDepthAndLoss;
    private final double[] losses;

    DepthFold(int routedBlocks) {
        byDepthAndLoss = new long[routedBlocks + 1][BINS];
        losses = new double[routedBlocks + 1];
    }

    void add(RoutingTrace trace) {
        for (int t = 0; t < trace.length(); t++) {
            int depth = trace.depth(t);
            double loss = trace.losses()[t];
            byDepthAndLoss[depth][bin(loss)]++;
            losses[depth] += loss;
        }
    }

    void merge(DepthFold other) {
        for (int d = 0; d < losses.length; d++) {
            losses[d] += other.losses[d];
            for (int i = 0; i < BINS; i++) {
                byDepthAndLoss[d][i] += other.byDepthAndLoss[d][i];
            }
        }
    }

    static int bin(double loss) {
        return (int) Math.max(0, Math.min(BINS - 1L, Math.round(loss * STEPS)));
    }

    /** |R|: the greatest depth. */
    public int routedBlocks() {
        return losses.length - 1;
    }

    /** Tokens that {@code depth} of the routed blocks computed. */
    public long count(int depth) {
        long count = 0;
        for (long tokens : byDepthAndLoss[depth]) {
            count += tokens;
        }
        return count;
    }

    /** Tokens seen. */
    public long tokens() {
        long count = 0;
        for (int d = 0; d < losses.length; d++) {
            count += count(d);
        }
        return count;
    }

    /** Share of the tokens at {@code depth}. */
    public double share(int depth) {
        return (double) count(depth) / tokens();
    }

    /** Mean depth. */
    public double mean() {
        double sum = 0;
        for (int d = 0; d < losses.length; d++) {
            sum += (double) d * count(d);
        }
        return sum / tokens();
    }

    /** Variance of the depth. */
    public double variance() {
        double mean = mean();
        double sum = 0;
        for (int d = 0; d < losses.length; d++) {
            sum += (d - mean) * (d - mean) * count(d);
        }
        return sum / tokens();
    }

    /** Mean loss, in nats, of the tokens at {@code depth}; NaN when there are none. */
    public double meanLoss(int depth) {
        return losses[depth] / count(depth);
    }

    /** Mean loss of all tokens in nats. */
    public double meanLoss() {
        double sum = 0;
        for (double loss : losses) {
            sum += loss;
        }
        return sum / tokens();
    }

    /** The share at {@code depth} if every routed block chose each token alike with probability {@code rate}. */
    public double binomialShare(int depth, double rate) {
        int n = routedBlocks();
        double share = 1;
        for (int i = 0; i < depth; i++) {
            share *= (double) (n - i) / (i + 1);
        }
        return share * Math.pow(rate, depth) * Math.pow(1 - rate, n - depth);
    }

    /**
     * Spearman's correlation of a token's depth with its loss: Pearson's of their ranks, ties at their mean rank. NaN
     * when all depths or all losses are the same.
     */
    public double lossCorrelation() {
        double tokens = tokens();
        double[] depthRank = new double[losses.length];
        double before = 0;
        for (int d = 0; d < losses.length; d++) {
            double count = count(d);
            depthRank[d] = before + (count - 1) / 2;
            before += count;
        }
        double middle = (tokens - 1) / 2;
        double product = 0;
        double depthSquare = 0;
        double lossSquare = 0;
        before = 0;
        for (int i = 0; i < BINS; i++) {
            double count = 0;
            for (long[] row : byDepthAndLoss) {
                count += row[i];
            }
            double lossRank = before + (count - 1) / 2;
            before += count;
            for (int d = 0; d < losses.length; d++) {
                double n = byDepthAndLoss[d][i];
                product += n * (depthRank[d] - middle) * (lossRank - middle);
                depthSquare += n * (depthRank[d] - middle) * (depthRank[d] - middle);
            }
            lossSquare += count * (lossRank - middle) * (lossRank - middle);
        }
        return product / Math.sqrt(depthSquare * lossSquare);
    }
}
