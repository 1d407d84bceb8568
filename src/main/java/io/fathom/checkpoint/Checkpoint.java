package io.fathom.checkpoint;

import io.fathom.model.ModelSpec;
import io.fathom.train.Moments;
import java.util.Optional;

/**
 * The state of a run after a round, but for moments that each worker keeps, which {@link CheckpointStore#readMoments}
 * reads one by one.
 *
 * @param spec the model
 * @param parameters theta, in the order of the model's layout
 * @param velocity the outer optimizer's momentum, where it has one
 * @param moments of all workers, where they go on from a mean
 * @param progress rounds, cursors, tokens
 */
public record Checkpoint(
        ModelSpec spec,
        float[] parameters,
        Optional<float[]> velocity,
        Optional<Moments> moments,
        TrainingProgress progress) {
    static final String REMEDY = "; delete that checkpoint to go on from the one before, or train again";

    /** A checkpoint whose workers share no moments. */
    public Checkpoint(ModelSpec spec, float[] parameters, Optional<float[]> velocity, TrainingProgress progress) {
        this(spec, parameters, velocity, Optional.empty(), progress);
    }

    /** Rounds committed. */
    public int round() {
        return progress.round();
    }
}
