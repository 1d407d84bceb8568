package io.fathom.train;

import java.io.Serializable;

/**
 * The learning rate of each step: a linear warm-up, then half a cosine.
 *
 * <p>With t the step from 1: {@code peak t / warmupSteps} up to {@code warmupSteps}, then {@code floor + (peak - floor)
 * (1 + cos(pi (t - warmupSteps) / (totalSteps - warmupSteps))) / 2}, and {@code floor} from {@code totalSteps} on.
 *
 * @param peak highest rate, at the end of the warm-up
 * @param floor last rate
 * @param warmupSteps steps of warm-up, at least 0
 * @param totalSteps step at which the floor is reached
 */
public record LearningRate(double peak, double floor, long warmupSteps, long totalSteps) implements Serializable {
    public LearningRate {
        if (!(peak >= floor && floor >= 0)) {
            throw new IllegalArgumentException(
                    "peak = " + peak + ", floor = " + floor + ": must hold 0 <= floor <= peak");
        }
        if (warmupSteps < 0 || totalSteps < 1) {
            throw new IllegalArgumentException(
                    "warmupSteps = " + warmupSteps + ", totalSteps = " + totalSteps + ": must be >= 0 and >= 1");
        }
    }

    /** The rate of step {@code step}, from 1. */
    public double at(long step) {
        if (step <= warmupSteps) {
            return peak * step / warmupSteps;
        }
        if (step >= totalSteps) {
            return floor;
        }
        double progress = (double) (step - warmupSteps) / (totalSteps - warmupSteps);
        return floor + (peak - floor) * (1 + Math.cos(Math.PI * progress)) / 2;
    }
}
