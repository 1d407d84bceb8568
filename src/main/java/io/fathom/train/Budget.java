package io.fathom.train;

import io.fathom.config.TrainConfig;
import io.fathom.config.UserError;
import io.fathom.model.Flops;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;

/**
 * What a run may spend.
 *
 * @param spec the model
 * @param config how it is trained
 */
public record Budget(ModelSpec spec, TrainConfig config) {

    /** Training FLOPs of round {@code round}, from 1, by all workers, by formula. */
    public double flops(int round) {
        ModelSpec stage = CapacitySchedule.of(config.capacitySchedule()).at(spec, round);
        return (double) new Flops(stage).training() * config.batch() * config.localSteps() * config.workers();
    }

    /** Training FLOPs of {@link #rounds} rounds. */
    public double flops() {
        int rounds = rounds();
        int scheduled = Math.min(scheduled(), rounds);
        double sum = (double) (rounds - scheduled) * flops(scheduled + 1);
        for (int round = 1; round <= scheduled; round++) {
            sum += flops(round);
        }
        return sum;
    }

    /**
     * Rounds to train: as {@code train.rounds} says, or where {@code train.flops} is given, as many as come nearest to
     * it, at least 1.
     *
     * @throws UserError when the FLOPs end before the capacity schedule
     */
    public int rounds() {
        if (config.flops() == 0) {
            return config.rounds();
        }
        int scheduled = scheduled();
        double left = config.flops();
        for (int round = 1; round <= scheduled; round++) {
            left -= flops(round);
        }
        if (left < 0) {
            throw new UserError("train.flops = " + config.flops() + ": ends before train.capacitySchedule.rounds = "
                    + scheduled + ", which cost " + (config.flops() - left) + "; raise it or shorten the schedule");
        }
        double rounds = scheduled + Math.rint(left / flops(scheduled + 1));
        if (rounds > Integer.MAX_VALUE) {
            throw new UserError("train.flops = " + config.flops() + ": is " + rounds + " rounds; lower it or raise"
                    + " train.localSteps");
        }
        return (int) Math.max(1, rounds);
    }

    /** Rounds that may cost more than the last. */
    private int scheduled() {
        return spec.routing() instanceof Routing.Routed
                ? config.capacitySchedule().rounds()
                : 0;
    }
}
