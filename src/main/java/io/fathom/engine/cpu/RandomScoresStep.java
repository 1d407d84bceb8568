package io.fathom.engine.cpu;

import io.fathom.model.Noise;

/**
 * {@link io.fathom.program.Instruction.RandomScores}: lanes share the rows.
 *
 * @param seed of the batch, its only element
 */
record RandomScoresStep(long[] seed, int block, Floats scores) implements Step {
    @Override
    public void run(Lane lane) {
        int to = lane.to(scores.length());
        for (int row = lane.from(scores.length()); row < to; row++) {
            scores.put(row, (float) Noise.gaussian(seed[0], block, row));
        }
    }
}
