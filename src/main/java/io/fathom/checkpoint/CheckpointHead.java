package io.fathom.checkpoint;

import io.fathom.config.TrainConfig.InnerMoments;
import io.fathom.config.UserError;
import io.fathom.model.ModelSpec;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;

/**
 * What a checkpoint is of, without its vectors.
 *
 * @param spec the model
 * @param progress rounds, cursors, tokens
 * @param moments what its workers do with theirs
 */
public record CheckpointHead(ModelSpec spec, TrainingProgress progress, InnerMoments moments) {

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
