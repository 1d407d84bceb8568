package io.fathom.checkpoint;

import io.fathom.config.UserError;
import io.fathom.model.ModelSpec;
import io.fathom.train.Moments;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The state of a run after a round, but for moments that each worker keeps, which {@link CheckpointStore#moments} reads
 * one by one.
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

    /** Throws {@link UserError} when this is not a checkpoint of {@code expected}. */
    public void requireModel(ModelSpec expected, String run) {
        if (!spec.equals(expected)) {
            throw new UserError(
                    run + ": its checkpoint is of another model (" + String.join(", ", differences("", spec, expected))
                            + "); give the configuration it was trained with, or another --run");
        }
    }

    /** As {@code width is 16, the configuration says 32}, for each component that differs. */
    private static List<String> differences(String within, Record found, Record configured) {
        if (found.getClass() != configured.getClass()) {
            return List.of(difference(within, found, configured));
        }
        List<String> differences = new ArrayList<>();
        for (RecordComponent component : found.getClass().getRecordComponents()) {
            Object one = value(found, component);
            Object other = value(configured, component);
            if (one instanceof Record inner && other instanceof Record wanted) {
                differences.addAll(differences(component.getName(), inner, wanted));
            } else if (!one.equals(other)) {
                differences.add(difference((within + " " + component.getName()).strip(), one, other));
            }
        }
        return differences;
    }

    private static String difference(String name, Object found, Object configured) {
        return name + " is " + found + ", the configuration says " + configured;
    }

    private static Object value(Record record, RecordComponent component) {
        try {
            return component.getAccessor().invoke(record);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("cannot read " + component, e);
        }
    }
}
