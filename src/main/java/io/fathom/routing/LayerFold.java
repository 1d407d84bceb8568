package io.fathom.routing;

import java.io.Serializable;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One routed block over all sequences folded so far. */
public final class LayerFold implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final double LOG_2 = Math.log(2);

    private final int block;
    private final int length;
    private final long[] selectedAt;
    private final WeightHistogram weights = new WeightHistogram();
    private final long[][] sigmoids;
    private final CausalFold router = new CausalFold();
    private final @Nullable CausalFold predictor;
    private long sequences;
    private long selected;
    private long selectedSquared;
    private double binaryEntropy;
    private double softmaxEntropy;
    private double threshold;
    private long margins;
    private double margin;
    private double leastMargin = Double.POSITIVE_INFINITY;

    LayerFold(int block, int length, int sigmoidBins, boolean hasPredictor) {
        this.block = block;
        this.length = length;
        this.selectedAt = new long[length];
        this.sigmoids = new long[2][sigmoidBins];
        this.predictor = hasPredictor ? new CausalFold() : null;
    }

    void add(RoutingTrace.Layer layer) {
        double[] r = layer.scores();
        boolean[] chosen = layer.selected();
        int bins = sigmoids[0].length;
        long count = 0;
        double lowestChosen = Double.POSITIVE_INFINITY;
        double highestLeft = Double.NEGATIVE_INFINITY;
        for (int t = 0; t < length; t++) {
            double sigmoid = sigmoid(r[t]);
            weights.add(r[t], chosen[t]);
            sigmoids[chosen[t] ? 0 : 1][Math.min(bins - 1, (int) (sigmoid * bins))]++;
            binaryEntropy += binaryEntropyBits(sigmoid);
            if (chosen[t]) {
                count++;
                selectedAt[t]++;
                lowestChosen = Math.min(lowestChosen, r[t]);
            } else {
                highestLeft = Math.max(highestLeft, r[t]);
            }
        }
        sequences++;
        selected += count;
        selectedSquared += count * count;
        softmaxEntropy += softmaxEntropy(r);
        threshold += count > 0 ? lowestChosen : 0;
        if (count > 0 && count < length) {
            margins++;
            margin += lowestChosen - highestLeft;
            leastMargin = Math.min(leastMargin, lowestChosen - highestLeft);
        }
        router.add(r, chosen);
        if (predictor != null) {
            predictor.add(layer.predictor().orElseThrow(), chosen);
        }
    }

    void merge(LayerFold other) {
        for (int t = 0; t < length; t++) {
            selectedAt[t] += other.selectedAt[t];
        }
        weights.merge(other.weights);
        for (int side = 0; side < 2; side++) {
            for (int i = 0; i < sigmoids[side].length; i++) {
                sigmoids[side][i] += other.sigmoids[side][i];
            }
        }
        router.merge(other.router);
        if (predictor != null && other.predictor != null) {
            predictor.merge(other.predictor);
        }
        sequences += other.sequences;
        selected += other.selected;
        selectedSquared += other.selectedSquared;
        binaryEntropy += other.binaryEntropy;
        softmaxEntropy += other.softmaxEntropy;
        threshold += other.threshold;
        margins += other.margins;
        margin += other.margin;
        leastMargin = Math.min(leastMargin, other.leastMargin);
    }

    /** Index of the block in the model. */
    public int block() {
        return block;
    }

    /** Tokens seen. */
    public long tokens() {
        return sequences * length;
    }

    /** Sequences seen. */
    public long sequences() {
        return sequences;
    }

    /** Share of the tokens it computed. */
    public double rate() {
        return (double) selected / tokens();
    }

    /** Tokens it computed at {@code position} of a sequence, out of one a sequence. */
    public long selectedAt(int position) {
        return selectedAt[position];
    }

    /** Mean tokens of a sequence it computed. */
    public double meanSelected() {
        return (double) selected / sequences;
    }

    /** Mean of the square of the tokens of a sequence it computed. */
    public double meanSquaredSelected() {
        return (double) selectedSquared / sequences;
    }

    /** Share of the tokens with sigmoid(r) > 0.5, which is r > 0. */
    public double aboveHalf() {
        return router.rate();
    }

    /** Mean over tokens of H(sigmoid(r)) in bits: 1 when the router is undecided, 0 when it is sure. */
    public double binaryEntropyBits() {
        return binaryEntropy / tokens();
    }

    /** Mean over sequences of the entropy of softmax(r) divided by log S: 1 when all tokens weigh the same. */
    public double softmaxEntropy() {
        return softmaxEntropy / sequences;
    }

    /** Mean over sequences of the least selected r: the threshold that top-k drew. */
    public double threshold() {
        return threshold / sequences;
    }

    /** Mean over sequences of least selected r minus largest r left out; NaN when no sequence left any out. */
    public double margin() {
        return margin / margins;
    }

    /** The least such margin; NaN when no sequence left any token out. */
    public double leastMargin() {
        return margins == 0 ? Double.NaN : leastMargin;
    }

    /** The rule r > 0. */
    public CausalFold router() {
        return router;
    }

    /** The rule predictor > 0, where the model has a predictor. */
    public Optional<CausalFold> predictor() {
        return Optional.ofNullable(predictor);
    }

    /** Histogram of r in at most {@code most} bins. */
    List<WeightHistogram.Bin> weightBins(int most) {
        return weights.bins(most);
    }

    /** Bins of sigmoid(r) over [0, 1]. */
    int sigmoidBins() {
        return sigmoids[0].length;
    }

    /** Tokens of bin {@code bin} of sigmoid(r), those selected or the others. */
    long sigmoidCount(int bin, boolean ofSelected) {
        return sigmoids[ofSelected ? 0 : 1][bin];
    }

    private static double sigmoid(double r) {
        return 1 / (1 + Math.exp(-r));
    }

    private static double binaryEntropyBits(double p) {
        return p <= 0 || p >= 1 ? 0 : -(p * Math.log(p) + (1 - p) * Math.log1p(-p)) / LOG_2;
    }

    /** Entropy of softmax(r) over log S, computed as log Z - E[r - max] with Z relative to the maximum. */
    private static double softmaxEntropy(double[] r) {
        if (r.length < 2) {
            return 1;
        }
        double max = Double.NEGATIVE_INFINITY;
        for (double value : r) {
            max = Math.max(max, value);
        }
        double z = 0;
        double mean = 0;
        for (double value : r) {
            double e = Math.exp(value - max);
            z += e;
            mean += e * (value - max);
        }
        return (Math.log(z) - mean / z) / Math.log(r.length);
    }
}
