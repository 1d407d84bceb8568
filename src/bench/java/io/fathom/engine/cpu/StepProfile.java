package io.fathom.engine.cpu;

import io.fathom.bench.Row;
import io.fathom.engine.AdamW;
import io.fathom.engine.Session;
import io.fathom.model.Batch;
import io.fathom.program.Instruction;
import io.fathom.program.Instruction.MatMul;
import io.fathom.program.Program;
import io.fathom.program.Programs;
import io.fathom.program.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Where the time of one step goes, by kind of instruction: two workers of one thread and half a batch each, side by
 * side, medians of each instruction's times summed over the kind.
 *
 * <p>Arguments: names of {@link Row}s.
 */
public final class StepProfile {
    private static final double SECONDS = Double.parseDouble(System.getProperty("bench.seconds", "12"));

    private StepProfile() {}

    /** Profiles and prints a row. */
    public static void profile(Row row) {
        List<Batch> batches = row.batches(2);
        Worker first = new Worker(row, batches.get(0));
        Worker second = new Worker(row, batches.get(1));
        Thread neighbour = new Thread(second);
        neighbour.start();
        first.run();
        while (neighbour.isAlive()) {
            Thread.onSpinWait();
        }
        first.print(row.name());
        first.close();
        second.close();
    }

    /** One worker: its steps one by one, each with its times. */
    private static final class Worker implements Runnable, AutoCloseable {
        private static final int KEPT = 2000;

        private final Program program;
        private final SessionMemory memory;
        private final List<PreparedStep> steps;
        private final Team team;
        private final FirstWrite firstWrite = new FirstWrite();
        private final Optimizer optimizer;
        private final long[][] times;
        private int rounds;

        Worker(Row row, Batch batch) {
            this.program = Programs.training(row.spec(), batch.sequences());
            this.memory = new SessionMemory(program);
            Lane[] lanes = Lowering.lanes(program, memory, 1);
            this.steps = Lowering.steps(program, memory, firstWrite, lanes);
            this.team = new Team(lanes);
            firstWrite.cleared(true);
            this.optimizer = new Optimizer(memory, program.layout(), 1);
            this.times = new long[steps.size() + 1][KEPT];
            float[] theta = row.parameters();
            memory.vector(Session.Vector.PARAMETERS).put(0, theta, theta.length);
            program.values().stream()
                    .filter(v -> v.storage() == Value.Storage.INPUT)
                    .forEach(v -> {
                        int[] from = v.name().equals("tokens") ? batch.tokens() : batch.targets();
                        System.arraycopy(from, 0, memory.ints(v), 0, from.length);
                    });
        }

        @Override
        public void run() {
            long start = System.nanoTime();
            Step[] one = new Step[1];
            while (System.nanoTime() - start < SECONDS * 1e9) {
                int at = rounds++ % KEPT;
                for (int i = 0; i < steps.size(); i++) {
                    one[0] = steps.get(i).step();
                    times[i][at] = time(one);
                }
                long before = System.nanoTime();
                optimizer.update(new AdamW(rounds, 1e-4, 0.9, 0.95, 1e-8, 0.1, 1, 1), team);
                times[steps.size()][at] = System.nanoTime() - before;
            }
        }

        @Override
        public void close() {
            team.close();
            memory.close();
        }

        private long time(Step[] one) {
            long before = System.nanoTime();
            team.run(one);
            return System.nanoTime() - before;
        }

        void print(String name) {
            Map<String, double[]> kinds = new TreeMap<>();
            double total = 0;
            double least = 0;
            for (int i = 0; i < times.length; i++) {
                long[] sorted = Arrays.copyOf(times[i], Math.min(rounds, KEPT));
                // The second half: the JVM has compiled the kernels by then.
                sorted = rounds < KEPT ? Arrays.copyOfRange(sorted, sorted.length / 2, sorted.length) : sorted;
                Arrays.sort(sorted);
                double median = sorted[sorted.length / 2] / 1e6;
                total += median;
                least += sorted[0] / 1e6;
                double[] sum = kinds.computeIfAbsent(kind(i), k -> new double[4]);
                sum[0] += median;
                sum[1] += sorted[0] / 1e6;
                sum[2]++;
                sum[3] += flops(i);
            }
            System.out.printf(Locale.ROOT, "%n%s: %.2f ms (minima %.2f), %d steps timed%n", name, total, least, rounds);
            kinds.forEach((kind, sum) -> System.out.printf(
                    Locale.ROOT,
                    "%-44s %3.0f x  median %7.3f  min %7.3f ms  %6.1f GFLOP/s%n",
                    kind,
                    sum[2],
                    sum[0],
                    sum[1],
                    sum[3] / sum[0] / 1e6));
        }

        private double flops(int i) {
            Instruction source = i < steps.size() ? steps.get(i).source() : null;
            return source == null ? 0 : source.flops();
        }

        private String kind(int i) {
            if (i >= steps.size()) {
                return "(norm and AdamW)";
            }
            Instruction source = steps.get(i).source();
            if (source instanceof MatMul m) {
                return "MatMul " + (m.transposeA() ? "T" : "N") + (m.transposeB() ? "T " : "N ") + m.c().rows() + " x "
                        + m.c().columns() + " x " + m.inner();
            }
            return source == null
                    ? "(" + steps.get(i).step().getClass().getSimpleName() + ")"
                    : source.getClass().getSimpleName() + " "
                            + steps.get(i).step().getClass().getSimpleName();
        }
    }
}
