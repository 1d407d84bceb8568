package io.fathom.model;

import java.util.Arrays;

/**
 * Token ids to learn from or to score: B sequences of S tokens and, for each, the token that follows.
 *
 * @param sequences B
 * @param length S
 * @param tokens B * S ids, sequence after sequence
 * @param targets B * S ids; {@code targets[i]} follows {@code tokens[i]}
 * @param seed of what is random in a step on it: the weights of {@link Routing.Stochastic}
 */
public record Batch(int sequences, int length, int[] tokens, int[] targets, long seed) {
    public Batch {
        if (tokens.length != sequences * length || targets.length != sequences * length) {
            throw new IllegalArgumentException("a batch of " + sequences + " x " + length + " needs "
                    + sequences * length + " tokens and targets, got " + tokens.length + " and " + targets.length);
        }
    }

    /** A batch whose seed is a hash of its tokens, for passes that must not depend on an order. */
    public Batch(int sequences, int length, int[] tokens, int[] targets) {
        this(sequences, length, tokens, targets, Arrays.hashCode(tokens));
    }

    /** The same tokens with another seed. */
    public Batch withSeed(long other) {
        return new Batch(sequences, length, tokens, targets, other);
    }

    /** A batch from windows of S + 1 tokens: the first S are the input, the last S the targets. */
    public static Batch ofWindows(int[][] windows) {
        int length = windows[0].length - 1;
        int[] tokens = new int[windows.length * length];
        int[] targets = new int[windows.length * length];
        for (int b = 0; b < windows.length; b++) {
            System.arraycopy(windows[b], 0, tokens, b * length, length);
            System.arraycopy(windows[b], 1, targets, b * length, length);
        }
        return new Batch(windows.length, length, tokens, targets);
    }
}
