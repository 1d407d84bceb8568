package io.fathom.decode.evaluation;

import java.io.Serializable;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * How one signal of one routed block foretells the block's top-k selection, on the states that top-k leaves:
 * sigmoid(signal) is its probability that the token is selected, signal > 0 its decision.
 */
public final class SignalFold implements Serializable {
    /** Parts of the sequence that are counted apart. */
    public static final int DECILES = 10;

    private static final long serialVersionUID = 1L;
    private static final int CALIBRATION_BINS = 15;

    private final Confusion[] byDecile = new Confusion[DECILES];
    private final RankHistogram ranks = new RankHistogram();
    private final long[] binCounts = new long[CALIBRATION_BINS];
    private final long[] binPositives = new long[CALIBRATION_BINS];
    private final double[] binConfidence = new double[CALIBRATION_BINS];
    private long overlap;
    private long selectedTokens;

    SignalFold() {
        Arrays.setAll(byDecile, i -> new Confusion());
    }

    void add(double[] signal, boolean[] selected) {
        int length = signal.length;
        int k = 0;
        for (int t = 0; t < length; t++) {
            byDecile[t * DECILES / length].add(signal[t] > 0, selected[t]);
            ranks.add(signal[t], selected[t]);
            double probability = 1 / (1 + Math.exp(-signal[t]));
            int bin = Math.min(CALIBRATION_BINS - 1, (int) (probability * CALIBRATION_BINS));
            binCounts[bin]++;
            binPositives[bin] += selected[t] ? 1 : 0;
            binConfidence[bin] += probability;
            k += selected[t] ? 1 : 0;
        }
        selectedTokens += k;
        overlap += IntStream.range(0, length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer t) -> signal[t]).reversed())
                .limit(k)
                .filter(t -> selected[t])
                .count();
    }

    void merge(SignalFold next) {
        for (int i = 0; i < DECILES; i++) {
            byDecile[i].merge(next.byDecile[i]);
        }
        ranks.merge(next.ranks);
        for (int i = 0; i < CALIBRATION_BINS; i++) {
            binCounts[i] += next.binCounts[i];
            binPositives[i] += next.binPositives[i];
            binConfidence[i] += next.binConfidence[i];
        }
        overlap += next.overlap;
        selectedTokens += next.selectedTokens;
    }

    /** Decisions over all positions. */
    public Confusion confusion() {
        Confusion all = new Confusion();
        for (Confusion part : byDecile) {
            all.merge(part);
        }
        return all;
    }

    /** Decisions in the tenth {@code decile} of the positions, from 0; empty where sequences are shorter than ten. */
    public Confusion confusion(int decile) {
        return byDecile[decile];
    }

    /** Area under the ROC curve: the chance that a selected token's signal exceeds a bypassed one's. */
    public double areaUnderCurve() {
        return ranks.area();
    }

    /**
     * |T and P| / k for T the k tokens of the largest router weights and P the k of the largest signals; ties early.
     */
    public double topKOverlap() {
        return (double) overlap / selectedTokens;
    }

    /**
     * Expected calibration error: mean over tokens of |share selected - mean probability| of their bin, 15 equal bins.
     */
    public double calibrationError() {
        double sum = 0;
        long tokens = 0;
        for (int i = 0; i < CALIBRATION_BINS; i++) {
            sum += Math.abs(binPositives[i] - binConfidence[i]);
            tokens += binCounts[i];
        }
        return sum / tokens;
    }
}
