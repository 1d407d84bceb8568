package io.fathom.average;

import java.util.Optional;

/** What the driver does with the mean of the workers: the outer optimizer, element by element. */
public sealed interface Outer {

    /**
     * Parameters and momentum after an outer step.
     *
     * @param parameters theta of the next round
     * @param velocity the momentum, where this optimizer has one
     */
    record Step(float[] parameters, Optional<float[]> velocity) {}

    /** Whether it keeps momentum from round to round. */
    boolean keepsVelocity();

    /**
     * The step of elements {@code from} to {@code to}, exclusive.
     *
     * @param theta the parameters before; not written
     * @param mean what the workers came to; the first is of element {@code from}
     * @param relative whether {@code mean} holds changes to the parameters: whole parameters travel without loss,
     *     changes can be quantised
     * @param velocity momentum before, zero at first; empty for an optimizer that keeps none
     * @param next where parameters and momentum are put; momentum empty likewise
     */
    void step(float[] theta, float[] mean, boolean relative, int from, int to, float[] velocity, Next next);

    /** The arrays that a step fills. */
    record Next(float[] parameters, float[] velocity) {}

    /** Classic parameter averaging: theta becomes the mean of the workers. Outer SGD with rate 1. */
    record Average() implements Outer {
        @Override
        public boolean keepsVelocity() {
            return false;
        }

        @Override
        public void step(float[] theta, float[] mean, boolean relative, int from, int to, float[] velocity, Next next) {
            if (!relative) {
                System.arraycopy(mean, 0, next.parameters(), from, to - from);
                return;
            }
            for (int i = from; i < to; i++) {
                next.parameters()[i] = (float) ((double) theta[i] + mean[i - from]);
            }
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
        public boolean keepsVelocity() {
            return true;
        }

        @Override
        public void step(float[] theta, float[] mean, boolean relative, int from, int to, float[] velocity, Next next) {
            for (int i = from; i < to; i++) {
                double gradient = relative ? -mean[i - from] : (double) theta[i] - mean[i - from];
                float v = (float) (momentum * velocity[i] + gradient);
                next.velocity()[i] = v;
                next.parameters()[i] = (float) (theta[i] - learningRate * (gradient + momentum * v));
            }
        }
    }
}
