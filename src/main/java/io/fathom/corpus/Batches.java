package io.fathom.corpus;

import io.fathom.config.UserError;
import io.fathom.model.Batch;

/**
 * The batches of a split for N workers, each a pure function of (seed, worker, step), so that a resumed run goes on
 * with exactly the batch that was next.
 *
 * <p>The windows of the split are dealt like cards: each epoch is a keyed permutation of all windows, epoch follows
 * epoch in one endless row, and worker w takes the positions p with p mod N = w. Sequence b of step s of worker w is
 * position {@code (s * B + b) * N + w}: within an epoch no window is seen twice, and together the workers see each
 * once.
 */
public final class Batches {
    private final TokenSplit split;
    private final int batch;
    private final int length;
    private final long seed;
    private final int workers;
    private final long windows;

    /**
     * @param batch B, sequences of a batch
     * @param length S, tokens of a sequence
     * @param workers N
     * @throws UserError if the split is shorter than one window of S + 1 tokens
     */
    public Batches(TokenSplit split, int batch, int length, long seed, int workers) {
        if (batch < 1 || workers < 1) {
            throw new IllegalArgumentException(
                    "a batch needs at least one sequence and one worker, got " + batch + " and " + workers);
        }
        this.split = split;
        this.batch = batch;
        this.length = length;
        this.seed = seed;
        this.workers = workers;
        this.windows = split.windows(length);
        if (windows == 0) {
            throw new UserError(split.name() + " holds " + split.tokens() + " tokens, a window of model.context = "
                    + length + " needs " + (length + 1L) + ": add text or lower model.context");
        }
    }

    /** The batch of step {@code step} of {@code worker}. */
    public Batch batch(int worker, long step) {
        if (worker < 0 || worker >= workers || step < 0) {
            throw new IllegalArgumentException(
                    "worker " + worker + " of " + workers + ", step " + step + ": out of range");
        }
        int[][] rows = new int[batch][];
        for (int b = 0; b < batch; b++) {
            long position = (step * batch + b) * workers + worker;
            long epoch = position / windows;
            Permutation order = new Permutation(windows, Permutation.mix(seed) + epoch * 0xD1B54A32D192ED03L);
            rows[b] = split.window(order.at(position % windows), length);
        }
        return Batch.ofWindows(rows).withSeed(Permutation.mix(Permutation.mix(seed) + step * workers + worker));
    }
}
