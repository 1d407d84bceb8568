package io.fathom.average;

import java.util.Arrays;
import java.util.Optional;

/**
 * The outer step of one round, made slice by slice in whatever order means come in; what it comes to does not depend on
 * that order. Different threads may bring different slices. Nothing it was made from is written, so a round that does
 * not end leaves no trace.
 */
public final class OuterStep {
    private final Outer outer;
    private final float[] theta;
    private final float[] velocity;
    private final Slices slices;
    private final boolean relative;
    private final Outer.Next next;
    /** |mean - theta|^2 of each slice. */
    private final double[] squaredChanges;

    private final boolean[] taken;

    /**
     * A step from {@code theta}.
     *
     * @param velocity of the step before; empty before the first
     * @param relative whether the means will be of changes rather than of parameters
     */
    public OuterStep(Outer outer, float[] theta, Optional<float[]> velocity, Slices slices, boolean relative) {
        this.outer = outer;
        this.theta = theta;
        this.slices = slices;
        this.relative = relative;
        int momentum = outer.keepsVelocity() ? theta.length : 0;
        this.velocity = velocity.orElseGet(() -> new float[momentum]);
        this.next = new Outer.Next(new float[theta.length], new float[momentum]);
        this.squaredChanges = new double[slices.count()];
        this.taken = new boolean[slices.count()];
    }

    /** Takes the mean of the workers' slice {@code slice}, which begins {@code mean}. */
    public void take(int slice, float[] mean) {
        int from = slices.from(slice);
        int to = slices.to(slice);
        outer.step(theta, mean, relative, from, to, velocity, next);
        squaredChanges[slice] =
                relative ? Squares.sum(mean, to - from) : Squares.distance(mean, 0, theta, from, to - from);
        taken[slice] = true;
    }

    /** |mean - theta|: how far the workers' mean is from where they started. */
    public double change() {
        requireWhole();
        return Math.sqrt(Arrays.stream(squaredChanges).sum());
    }

    /** What the step came to; throws {@link IllegalStateException} while slices are missing. */
    public Outer.Step step() {
        requireWhole();
        return new Outer.Step(
                next.parameters(), outer.keepsVelocity() ? Optional.of(next.velocity()) : Optional.empty());
    }

    private void requireWhole() {
        for (int slice = 0; slice < taken.length; slice++) {
            if (!taken[slice]) {
                throw new IllegalStateException("the mean of slice " + slice + " of " + taken.length + " is missing");
            }
        }
    }
}
