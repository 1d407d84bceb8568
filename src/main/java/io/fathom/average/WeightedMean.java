package io.fathom.average;

import java.util.Arrays;

/**
 * The mean of vectors weighted by tokens: sum of w_i x_i over sum of w_i.
 *
 * <p>Products and sums are doubles, and what they come to is rounded to float once. A float has 24 significant bits and
 * a double 53, so as long as the weights sum to less than 2^29 tokens, the mean of equal vectors is that vector, bit
 * for bit; float sums would already lose it for three workers. The order of the additions is the order of the calls.
 */
public final class WeightedMean {
    private final double[] sums;
    private int length;
    private long weight;

    /** The mean of no vectors yet, of {@code length} floats. */
    public WeightedMean(int length) {
        this.sums = new double[length];
        this.length = length;
    }

    /** Begins anew, with vectors of {@code floats} floats, no more than at first. */
    void restart(int floats) {
        Arrays.fill(sums, 0, floats, 0);
        length = floats;
        weight = 0;
    }

    /** Adds the beginning of {@code values} with weight {@code tokens}, at least 1. */
    public void add(float[] values, long tokens) {
        if (values.length < length || tokens < 1) {
            throw new IllegalArgumentException(
                    values.length + " floats of weight " + tokens + ": must be at least " + length + " of weight >= 1");
        }
        double by = tokens;
        for (int i = 0; i < length; i++) {
            sums[i] += by * values[i];
        }
        weight += tokens;
    }

    /** The mean of what was added; throws {@link IllegalStateException} when nothing was. */
    public float[] mean() {
        float[] mean = new float[length];
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
        for (int i = 0; i < length; i++) {
            mean[i] = (float) (sums[i] * share);
        }
    }
}
