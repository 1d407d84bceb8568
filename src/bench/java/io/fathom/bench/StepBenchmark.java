package io.fathom.bench;

import io.fathom.engine.Engines;
import io.fathom.engine.cpu.Growth;
import io.fathom.engine.cpu.StepProfile;
import io.fathom.program.Programs;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Times one training step, AdamW and clipping included, of each contender in turn: A B C D A B C D.
 *
 * <p>Arguments: names of {@link Row}s; {@code growth} for the table of {@link Growth}, {@code profile} for
 * {@link StepProfile}, {@code gpt2-small} for {@link Gpt2Small}. A sample is the wall time of a few steps that all
 * workers of a contender run side by side, divided by their number; the first turns are warm-up.
 */
final class StepBenchmark {
    static final double LEARNING_RATE = 1e-4;
    static final double WEIGHT_DECAY = 0.1;
    static final double CLIP = 1.0;
    private static final double SECONDS = Double.parseDouble(System.getProperty("bench.seconds", "60"));
    private static final double TURN_SECONDS = 0.4;
    /** Share of the time, in nanoseconds a second, that only warms up: the JVM compiles the kernels meanwhile. */
    private static final double WARM_UP = 0.4e9;
    /** Processors that other processes may use during a turn that counts. */
    private static final double IDLE = 0.25;

    private StepBenchmark() {}

    public static void main(String[] args) throws Exception {
        System.out.println("machine: " + Machine.describe());
        System.out.println(Engines.named("cpu").description());
        System.out.println("peer: libtorch 2.10.0 eager (org.bytedeco:pytorch:2.10.0-1.5.13), OMP_WAIT_POLICY="
                + System.getenv("OMP_WAIT_POLICY"));
        Map<String, Double> fathom = new HashMap<>();
        for (String name : args) {
            switch (name) {
                case "growth" -> Growth.print();
                case "gpt2-small" -> Gpt2Small.print();
                case "profile" -> Row.ALL.forEach(StepProfile::profile);
                default -> {
                    Row row = Row.named(name);
                    agree(row);
                    fathom.put(name, measure(row));
                }
            }
        }
        compareRouted(fathom);
        // libtorch leaves threads behind.
        System.exit(0);
    }

    /** Whether the FLOPs that routing saves are time saved, for each size of which both rows were measured. */
    private static void compareRouted(Map<String, Double> milliseconds) {
        for (Row dense : Row.ALL) {
            String routed = dense.name().replace("dense", "mod");
            Double of = milliseconds.get(dense.name());
            Double time = milliseconds.get(routed);
            if (dense.name().startsWith("dense") && of != null && time != null) {
                double flops = flops(Row.named(routed)) / flops(dense);
                System.out.printf(
                        Locale.ROOT,
                        "%n%s / %s: time %.3f, FLOPs %.3f, time over FLOPs %.3f (goal at D=256: 1.10)%n",
                        routed,
                        dense.name(),
                        time / of,
                        flops,
                        time / of / flops);
            }
        }
    }

    private static double flops(Row row) {
        return Programs.training(row.spec(), row.sequences()).flops();
    }

    /** Both must compute the same loss and gradient before either is timed. */
    private static void agree(Row row) {
        try (FathomContender ours = new FathomContender(row, 1, 1);
                TorchContender peer = new TorchContender(row, 1, 1)) {
            ours.prepare();
            double loss = ours.step(0);
            double peerLoss = peer.step(0);
            double error = Math.abs(loss / peerLoss - 1);
            double normError = Math.abs(ours.norm() / peer.norm() - 1);
            System.out.printf(
                    Locale.ROOT,
                    "%n%s: loss %.6f / %.6f, gradient norm %.6f / %.6f%n",
                    row.name(),
                    loss,
                    peerLoss,
                    ours.norm(),
                    peer.norm());
            if (!(error < 1e-5 && normError < 1e-3)) {
                throw new IllegalStateException(row.name() + ": the contenders compute different things");
            }
        }
    }

    /** Measures and prints a row; Fathom's milliseconds. */
    private static double measure(Row row) throws Exception {
        List<Contender> contenders = List.of(
                new FathomContender(row, 2, 1),
                new TorchContender(row, 2, 1),
                new FathomContender(row, 1, 2),
                new TorchContender(row, 1, 2));
        List<List<Double>> samples = new ArrayList<>();
        contenders.forEach(c -> samples.add(new ArrayList<>()));
        ExecutorService pool = Executors.newFixedThreadPool(2);
        Neighbours neighbours = new Neighbours();
        int disturbed = 0;
        long start = System.nanoTime();
        while (System.nanoTime() - start < SECONDS * 1e9) {
            boolean warm = System.nanoTime() - start > SECONDS * WARM_UP;
            for (int c = 0; c < contenders.size(); c++) {
                neighbours.processors();
                List<Double> times = turn(contenders.get(c), pool);
                boolean idle = neighbours.processors() < IDLE;
                if (warm && idle) {
                    samples.get(c).addAll(times);
                }
                disturbed += warm && !idle ? 1 : 0;
            }
        }
        System.out.println("turns left out because other processes were busy: " + disturbed);
        pool.shutdown();
        double ours = print(row, contenders, samples);
        contenders.forEach(Contender::close);
        return ours;
    }

    /** Milliseconds a step, one sample for every few steps. */
    private static List<Double> turn(Contender contender, ExecutorService pool) throws Exception {
        contender.prepare();
        run(contender, pool, 1);
        List<Double> times = new ArrayList<>();
        long start = System.nanoTime();
        while (System.nanoTime() - start < TURN_SECONDS * 1e9) {
            long before = System.nanoTime();
            run(contender, pool, 2);
            times.add((System.nanoTime() - before) / 2e6);
        }
        return times;
    }

    private static void run(Contender contender, ExecutorService pool, int steps)
            throws InterruptedException, ExecutionException {
        List<Future<?>> workers = new ArrayList<>();
        for (int w = 0; w < contender.workers(); w++) {
            int worker = w;
            workers.add(pool.submit(() -> {
                for (int i = 0; i < steps; i++) {
                    contender.step(worker);
                }
            }));
        }
        for (Future<?> worker : workers) {
            worker.get();
        }
    }

    private static double print(Row row, List<Contender> contenders, List<List<Double>> samples) {
        double flops = flops(row);
        double[] medians = new double[contenders.size()];
        for (int c = 0; c < contenders.size(); c++) {
            if (samples.get(c).isEmpty()) {
                throw new IllegalStateException(
                        "no undisturbed turn of " + contenders.get(c).name() + ": run it again on an idle machine");
            }
            double[] sorted =
                    samples.get(c).stream().mapToDouble(x -> x).sorted().toArray();
            medians[c] = sorted[sorted.length / 2];
            System.out.printf(
                    Locale.ROOT,
                    "%-14s min %7.2f  median %7.2f ms  %6.1f GFLOP/s  (%d samples)%n",
                    contenders.get(c).name(),
                    sorted[0],
                    medians[c],
                    flops / medians[c] / 1e6,
                    sorted.length);
        }
        double ours = Math.min(medians[0], medians[2]);
        double peer = Math.min(medians[1], medians[3]);
        System.out.printf(
                Locale.ROOT,
                "%s: %.2f GFLOP, fathom / libtorch = %.1f / %.1f = %.3f (goal %.2f)%n",
                row.name(),
                flops / 1e9,
                ours,
                peer,
                ours / peer,
                row.goal());
        return ours;
    }
}
