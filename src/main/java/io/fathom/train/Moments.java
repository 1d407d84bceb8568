package io.fathom.train;

/**
 * AdamW's memory of one worker, in the order of the parameter layout; owned by whoever holds it, never written after it
 * is made.
 *
 * @param first m, decayed mean of the gradient
 * @param second v, decayed mean of its square
 */
public record Moments(float[] first, float[] second) {
    public Moments {
        if (first.length != second.length) {
            throw new IllegalArgumentException(
                    "moments of " + first.length + " and " + second.length + " floats: must be as many");
        }
    }

    /** What a worker starts with. */
    public static Moments zero(int size) {
        return new Moments(new float[size], new float[size]);
    }
}
