package io.fathom.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Memory and lanes for trying single kernels, and the comparison with their twins. */
final class Workbench implements AutoCloseable {
    private final List<Slab> slabs = new ArrayList<>();
    private final List<Primitives> made = new ArrayList<>();
    private final SplittableRandom random;
    private final Lane[] lanes;

    Workbench(long seed, int lanes, int widest, int scratch) {
        this.random = new SplittableRandom(seed);
        this.lanes = new Lane[lanes];
        for (int i = 0; i < lanes; i++) {
            this.lanes[i] = new Lane(i, lanes, widest, zeros(2 * widest), zeros(scratch));
        }
        Blas.singleThreaded();
    }

    Floats zeros(int length) {
        Slab slab = Slab.take(length, "a test");
        slabs.add(slab);
        return slab.floats(0, length);
    }

    Floats gaussian(int length, double scale) {
        Floats floats = zeros(length);
        for (int i = 0; i < length; i++) {
            floats.put(i, (float) (scale * random.nextGaussian()));
        }
        return floats;
    }

    int[] ints(int length, int bound) {
        return random.ints(length, 0, bound).toArray();
    }

    Floats copy(Floats floats) {
        Floats copy = zeros(floats.length());
        for (int i = 0; i < floats.length(); i++) {
            copy.put(i, floats.get(i));
        }
        return copy;
    }

    /** A kernel of oneDNN for {@code n} units from {@code from} on. */
    interface Kernel {
        Primitive of(Primitives primitives, Lane lane, int from, int n);
    }

    /** A kernel that needs nothing of its lane. */
    interface PlainKernel {
        Primitive of(Primitives primitives, int from, int n);
    }

    Step oneDnn(int units, PlainKernel kernel) {
        return oneDnn(units, (primitives, lane, from, n) -> kernel.of(primitives, from, n));
    }

    /** A step whose lanes share {@code units}; one with none has no kernel. */
    Step oneDnn(int units, Kernel kernel) {
        Primitive[][] ofLanes = new Primitive[lanes.length][];
        for (Lane lane : lanes) {
            Primitives primitives = new Primitives();
            made.add(primitives);
            int from = lane.from(units);
            int n = lane.to(units) - from;
            ofLanes[lane.index] = n == 0 ? new Primitive[0] : new Primitive[] {kernel.of(primitives, lane, from, n)};
            primitives.takeScratch();
            if (n == 0) {
                for (int i = 0; i < lane.partials.length(); i++) {
                    lane.partials.put(i, 0f);
                }
            }
        }
        return new PrimitiveStep(ofLanes);
    }

    /** Runs the steps one after another, each on all lanes. */
    void run(Step... steps) {
        for (Step step : steps) {
            for (Lane lane : lanes) {
                step.run(lane);
            }
        }
    }

    /** The sum over the lanes of their partials from {@code at} on. */
    double[] partials(int at, int length) {
        double[] sum = new double[length];
        for (Lane lane : lanes) {
            for (int i = 0; i < length; i++) {
                sum[i] += lane.partials.get(at + i);
            }
        }
        return sum;
    }

    static double[] doubles(Floats floats) {
        double[] values = new double[floats.length()];
        for (int i = 0; i < values.length; i++) {
            values[i] = floats.get(i);
        }
        return values;
    }

    /**
     * |actual - twin| at most {@code bound} * |twin|, as vectors, and nowhere not a number. Unless the bound is 0, some
     * roundings at 1 an entry are allowed: a single small result may hold the rounding of larger terms.
     */
    static void assertTwin(String what, double[] actual, double[] twin, double bound) {
        assertThat(actual).hasSameSizeAs(twin);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < twin.length; i++) {
            difference += (actual[i] - twin[i]) * (actual[i] - twin[i]);
            norm += twin[i] * twin[i];
        }
        assertThat(Math.sqrt(difference))
                .as(what)
                .isLessThanOrEqualTo(bound * Math.sqrt(norm) + (bound == 0 ? 0 : 3e-7 * Math.sqrt(twin.length)));
    }

    static void assertTwin(String what, Floats actual, double[] twin, double bound) {
        assertTwin(what, doubles(actual), twin, bound);
    }

    @Override
    public void close() {
        made.forEach(Primitives::close);
        slabs.forEach(Slab::close);
    }
}
