package io.fathom.model;

/**
 * Token ids to learn from or to score: B sequences of S tokens and, for each, the token that follows.
 *
 * @param sequences B
 * @param length S
 * @param tokens B * S ids, sequence after sequence
 * @param targets B * S ids; {@code targets[i]} follows {@code tokens[i]}
 */
public record Batch(int sequences, int length, int[] tokens, int[] targets) {
    public Batch {
        if (tokens.length != sequences * length || targets.length != sequences * length) {
            throw new IllegalArgumentException("a batch of " + sequences + " x " + length + " needs "
                    + sequences * length + " tokens and targets, got " + tokens.length + " and " + targets.length);
        }
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
