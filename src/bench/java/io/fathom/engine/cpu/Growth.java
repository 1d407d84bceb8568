package io.fathom.engine.cpu;

import io.fathom.engine.AdamW;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.program.Program;
import io.fathom.program.Programs;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * How the time of a step grows with context, width, blocks and vocabulary, beside the FLOPs that the program counts and
 * the peak of the machine's matrix products: one worker of one thread, four sequences, dense, AdamW included.
 */
public final class Growth {
    private static final int SEQUENCES = 4;
    private static final double SECONDS = Double.parseDouble(System.getProperty("bench.seconds", "6"));
    /** Share of the time that only warms up. */
    private static final double WARM_UP = 0.4;

    private static final int HEAD_WIDTH = 32;

    private Growth() {}

    /** Measures and prints the table. */
    public static void print() {
        double peak = peak();
        System.out.printf(Locale.ROOT, "%npeak of sgemm, one thread: %.0f GFLOP/s%n", peak);
        System.out.println("   T    D   L      V   GFLOP   min ms  median ms  GFLOP/s of the median  of peak");
        for (int context : new int[] {128, 256, 512, 1024}) {
            measure(context, 128, 4, 256, peak);
        }
        for (int width : new int[] {64, 256, 512}) {
            measure(128, width, 4, 256, peak);
        }
        for (int blocks : new int[] {2, 8, 16}) {
            measure(128, 128, blocks, 256, peak);
        }
        for (int vocabulary : new int[] {4096, 50257}) {
            measure(128, 128, 4, vocabulary, peak);
        }
        measure(256, 256, 4, 256, peak);
        measure(256, 512, 4, 256, peak);
        System.out.printf(Locale.ROOT, "peak of sgemm at the end: %.0f GFLOP/s%n", peak());
    }

    /** The best rate of square and flat products that fit into the caches, in GFLOP/s. */
    private static double peak() {
        double best = 0;
        for (int[] shape : new int[][] {{512, 512, 512}, {512, 384, 128}, {1024, 256, 256}}) {
            best = Math.max(best, rate(shape[0], shape[1], shape[2]));
        }
        return best;
    }

    private static double rate(int m, int n, int k) {
        try (Slab slab = Slab.take((long) m * k + (long) k * n + (long) m * n, "a product")) {
            long a = slab.floats(0, m * k).at(0);
            long b = slab.floats((long) m * k, k * n).at(0);
            long c = slab.floats((long) m * k + (long) k * n, m * n).at(0);
            Blas blas = new Blas();
            Blas.singleThreaded();
            long best = Long.MAX_VALUE;
            for (int i = 0; i < 300; i++) {
                long before = System.nanoTime();
                blas.gemm(false, false, m, n, k, 1f, a, k, b, n, 0f, c, n);
                best = Math.min(best, System.nanoTime() - before);
            }
            return 2.0 * m * n * k / best;
        }
    }

    private static void measure(int context, int width, int blocks, int vocabulary, double peak) {
        ModelSpec spec = new ModelSpec(vocabulary, context, width, width / HEAD_WIDTH, blocks, new Routing.Dense());
        Program program = Programs.training(spec, SEQUENCES);
        SplittableRandom random = new SplittableRandom(1);
        int[][] windows = new int[SEQUENCES][];
        Arrays.setAll(windows, b -> random.ints(context + 1, 0, vocabulary).toArray());
        Batch batch = Batch.ofWindows(windows);
        try (Session session = new CpuEngine().open(program, new SessionOptions(Precision.FLOAT32, 1, 0))) {
            session.write(Session.Vector.PARAMETERS, ParameterLayout.of(spec).initial(spec, 1));
            double[] times = times(session, batch);
            double median = times[times.length / 2];
            System.out.printf(
                    Locale.ROOT,
                    "%4d %4d %3d %6d %7.2f %8.2f %10.2f %23.1f %8.2f%n",
                    context,
                    width,
                    blocks,
                    vocabulary,
                    program.flops() / 1e9,
                    times[0],
                    median,
                    program.flops() / median / 1e6,
                    program.flops() / median / 1e6 / peak);
        }
    }

    /** Milliseconds of the steps after warm-up, in ascending order. */
    private static double[] times(Session session, Batch batch) {
        double[] times = new double[100_000];
        int count = 0;
        long start = System.nanoTime();
        for (int step = 1; count < 5 || System.nanoTime() - start < SECONDS * 1e9; step++) {
            long before = System.nanoTime();
            session.clearGradient();
            session.run(batch);
            session.update(new AdamW(step, 1e-4, 0.9, 0.95, 1e-8, 0.1, 1, 1));
            if (System.nanoTime() - start > SECONDS * WARM_UP * 1e9) {
                times[count++ % times.length] = (System.nanoTime() - before) / 1e6;
            }
        }
        double[] kept = Arrays.copyOf(times, Math.min(count, times.length));
        Arrays.sort(kept);
        return kept;
    }
}
