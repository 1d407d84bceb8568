package io.fathom.bench;

import io.fathom.engine.AdamW;
import io.fathom.engine.Engines;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.program.Program;
import io.fathom.program.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;

/** What a model of GPT-2's smallest size needs on the cpu engine: time to compile, memory, time of a step. */
final class Gpt2Small {
    private static final ModelSpec SPEC = new ModelSpec(50257, 1024, 768, 12, 12, new Routing.Dense());
    private static final int STEPS = 5;
    private static final double MEBIBYTE = 1 << 20;

    private Gpt2Small() {}

    /** One sequence of 1024 tokens a step, one thread; prints. */
    static void print() throws IOException {
        long start = System.nanoTime();
        Program program = Programs.training(SPEC, 1);
        double compiled = (System.nanoTime() - start) / 1e9;
        SplittableRandom random = new SplittableRandom(1);
        Batch batch = Batch.ofWindows(new int[][] {
            random.ints(SPEC.context() + 1, 0, SPEC.vocabulary()).toArray()
        });
        try (Session session = Engines.named("cpu").open(program, new SessionOptions(Precision.FLOAT32, 1, 0))) {
            session.write(Session.Vector.PARAMETERS, ParameterLayout.of(SPEC).initial(SPEC, 1));
            double opened = (System.nanoTime() - start) / 1e9;
            double least = Double.MAX_VALUE;
            for (int step = 1; step <= STEPS; step++) {
                long before = System.nanoTime();
                session.clearGradient();
                session.run(batch);
                session.update(new AdamW(step, 1e-4, 0.9, 0.95, 1e-8, 0.1, 1, 1));
                least = Math.min(least, (System.nanoTime() - before) / 1e9);
            }
            System.out.printf(
                    Locale.ROOT,
                    "%nGPT-2 small, B=1 T=1024 V=50257: compiled in %.1f s (goal 5), ready after %.1f s, arena %.0f of"
                            + " %.0f MiB, %.2f s a step (least of %d), %.0f GFLOP/s, loss %.3f%n%s (goal 6 GiB)%n",
                    compiled,
                    opened,
                    program.memory().elements() * Float.BYTES / MEBIBYTE,
                    program.memory().unshared() * Float.BYTES / MEBIBYTE,
                    least,
                    STEPS,
                    program.flops() / least / 1e9,
                    session.scalar("total"),
                    peakResident());
        }
    }

    private static String peakResident() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmHWM"))
                .findFirst()
                .orElse("VmHWM: unknown");
    }
}
