package io.fathom.average;

import java.util.Optional;

/** What the driver does with the mean of the workers: the outer optimizer. */
public sealed interface Outer {

    /**
     * Parameters and momentum after an outer step.
     *
     * @param parameters theta of the next round
     * @param velocity the momentum, where this optimizer has one
     */
    record Step(float[] parameters, Optional<float[]> velocity) {}

    /**
     * The step from {@code theta}, which is not written, to the next round.
     *
     * @param mean what the workers came to
     * @param velocity of the step before; empty before the first
     */
    Step step(float[] theta, MeanOfWorkers mean, Optional<float[]> velocity);

    /** Classic parameter averaging: theta becomes the mean of the workers. Outer SGD with rate 1. */
    record Average() implements Outer {
        @Override
        public Step step(float[] theta, MeanOfWorkers mean, Optional<float[]> velocity) {
            float[] next = new float[theta.length];
            Blocks.each(next.length, (from, to) -> {
                for (int i = from; i < to; i++) {
                    next[i] = mean.parameter(i, theta[i]);
                }
            });
            return new Step(next, Optional.empty());
        }
    }

    /**
     * SGD with Nesterov momentum on the outer gradient theta - mean (DiLoCo, arXiv 2311.08105): v = momentum v + (theta
     * - mean); theta -= learningRate ((theta - mean) + momentum v).
     *
     * @param learningRate greater than 0
     * @param momentum in [0, 1)
     */
    record Nesterov(double learningRate, double momentum) implements Outer {
        public Nesterov {
            if (!(learningRate > 0 && momentum >= 0 && momentum < 1)) {
                throw new IllegalArgumentException(
                        "learningRate = " + learningRate + ", momentum = " + momentum + ": must be > 0 and in [0, 1)");
            }
        }

        @Override
        public Step step(float[] theta, MeanOfWorkers mean, Optional<float[]> velocity) {
            float[] next = new float[theta.length];
            float[] v = velocity.map(float[]::clone).orElseGet(() -> new float[theta.length]);
            Blocks.each(next.length, (from, to) -> {
                for (int i = from; i < to; i++) {
                    double gradient = -mean.change(i, theta[i]);
                    v[i] = (float) (momentum * v[i] + gradient);
                    next[i] = (float) (theta[i] - learningRate * (gradient + momentum * v[i]));
                }
            });
            return new Step(next, Optional.of(v));
        }
    }
}
