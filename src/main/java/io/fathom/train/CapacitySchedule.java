package io.fathom.train;

import io.fathom.config.TrainConfig.CapacityScheduleConfig;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;

/**
 * The capacity of each round: from 1 down to the model's own over the first rounds, in equal steps.
 *
 * <p>Stage i of n, from 0, is {@code 1 - (1 - c) i / n}; round t, from 1, belongs to stage {@code floor((t - 1) n /
 * R)}, and every round after R has the model's c. Parameters and moments have one shape at every capacity, so a stage
 * differs from the next in nothing but the compiled step.
 *
 * @param rounds R, rounds before the model's capacity is reached; 0 for none
 * @param stages n, capacities on the way; at most R
 */
public record CapacitySchedule(int rounds, int stages) {
    public CapacitySchedule {
        if (rounds < 0 || stages < 1 || (rounds > 0 && stages > rounds)) {
            throw new IllegalArgumentException(
                    "rounds = " + rounds + ", stages = " + stages + ": must hold 1 <= stages <= rounds, or rounds = 0");
        }
    }

    /** The schedule that {@code config} asks for. */
    public static CapacitySchedule of(CapacityScheduleConfig config) {
        return new CapacitySchedule(config.rounds(), config.stages());
    }

    /** The model that round {@code round}, from 1, trains: {@code target}, but for the capacity. */
    public ModelSpec at(ModelSpec target, int round) {
        if (round > rounds || !(target.routing() instanceof Routing.Routed routed)) {
            return target;
        }
        long stage = (round - 1L) * stages / rounds;
        return target.withCapacity(1 - (1 - routed.capacity()) * stage / stages);
    }
}
