package io.fathom.average;

/**
 * The mean of vectors weighted by tokens: sum of w_i x_i over sum of w_i.
 *
 * <p>Products and sums are doubles, and what they come to is rounded to float once. A float has 24 significant bits and
 * a double 53, so as long as the weights sum to less than 2^29 tokens, the mean of equal vectors is that vector, bit
 * for bit; float sums would already lose it for three workers. The order of the additions is the order of the calls.
 */
public final class WeightedMean {
    private final double[] sums;
    private long weight;

    /** The mean of no vectors yet, of {@code length} floats. */
    public WeightedMean(int length) {
        this.sums = new double[length];
    }

    /** Adds the first {@code length} of {@code values} with weight {@code tokens}, at least 1. */
    public void add(float[] values, long tokens) {
        if (values.length < sums.length || tokens < 1) {
            throw new IllegalArgumentException(values.length + " floats of weight " + tokens + ": must be at least "
                    + sums.length + " of weight >= 1");
        }
        double by = tokens;
        for (int i = 0; i < sums.length; i++) {
            sums[i] += by * values[i];
        }
        weight += tokens;
    }

    /** The mean of what was added; throws {@link IllegalStateException} when nothing was. */
    public float[] mean() {
        float[] mean = new float[sums.length];
        mean(mean);
        return mean;
    }

    /** Puts the mean at the beginning of {@code mean}; otherwise as {@link #mean()}. */
    public void mean(float[] mean) {
        if (weight == 0) {
            throw new IllegalStateException("the mean of no workers");
        }
        // A product takes a tenth of a quotient's time. It is off by 2^-52 of itself at most, which rounding takes away
        // where the sum is a float times the weight.
        double share = 1.0 / weight;
        for (int i = 0; i < sums.length; i++) {
            mean[i] = (float) (sums[i] * share);
        }
    }
}
