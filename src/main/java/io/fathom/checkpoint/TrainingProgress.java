package io.fathom.checkpoint;

import java.util.List;

/**
 * How far training had come: with the parameters, moments and outer state, all that the next round depends on.
 *
 * @param round rounds committed
 * @param seed of the run
 * @param steps the cursor: steps each worker has made, in worker order; a worker's next batch is a pure function of it
 * @param tokens learnt from, by all workers
 * @param flops spent on training, by all workers: matrix products of the compiled program
 * @param seconds spent on training, over all starts of the run
 */
public record TrainingProgress(int round, long seed, List<Long> steps, long tokens, double flops, double seconds) {
    public TrainingProgress {
        steps = List.copyOf(steps);
    }

    /** N, the logical workers. */
    public int workers() {
        return steps.size();
    }
}
