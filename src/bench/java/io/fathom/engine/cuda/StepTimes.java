package io.fathom.engine.cuda;

import io.fathom.engine.AdamW;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import io.fathom.program.Program;
import io.fathom.program.Programs;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Times the whole training step of the cuda engine, and each of its kernels, on the rows of {@code pytorch_step.py}.
 *
 * <p>Arguments: {@code [--profile] [row...]}.
 */
public final class StepTimes {
    private static final int STEPS = 50;

    private record Row(int vocabulary, int context, int width, int heads, int blocks, int batch, boolean routed) {
        ModelSpec spec() {
            Routing routing =
                    routed ? new Routing.ExpertChoice(2, 1, 0.125, Gate.SIGMOID, 0.01, false) : new Routing.Dense();
            return new ModelSpec(vocabulary, context, width, heads, blocks, routing);
        }
    }

    private static final Map<String, Row> ROWS = new LinkedHashMap<>();

    static {
        for (boolean routed : new boolean[] {false, true}) {
            String kind = routed ? "mod" : "dense";
            ROWS.put("124m-" + kind, new Row(50304, 1024, 768, 12, 12, 16, routed));
            ROWS.put("10m-" + kind, new Row(256, 256, 384, 6, 6, 16, routed));
            ROWS.put("350m-" + kind, new Row(50304, 1024, 1024, 16, 24, 8, routed));
        }
    }

    private StepTimes() {}

    public static void main(String[] arguments) {
        boolean profile = Arrays.asList(arguments).contains("--profile");
        List<String> rows =
                Arrays.stream(arguments).filter(a -> !a.startsWith("--")).toList();
        System.out.println(new CudaEngine().description());
        for (String name : rows.isEmpty() ? ROWS.keySet() : rows) {
            Row row = ROWS.get(name);
            if (row == null) {
                throw new IllegalArgumentException("no row " + name + "; rows: " + ROWS.keySet());
            }
            time(name, row, profile);
        }
    }

    private static void time(String name, Row row, boolean profile) {
        ModelSpec spec = row.spec();
        Program program = Programs.training(spec, row.batch);
        long begun = System.nanoTime();
        try (Session session = new CudaEngine().open(program, SessionOptions.DEFAULT.withPrecision(Precision.BF16))) {
            session.write(Session.Vector.PARAMETERS, program.layout().initial(spec, 1));
            SplittableRandom random = new SplittableRandom(1);
            Batch batch = new Batch(
                    row.batch,
                    row.context,
                    random.ints(program.tokens(), 0, row.vocabulary).toArray(),
                    random.ints(program.tokens(), 0, row.vocabulary).toArray());
            double first = 0;
            double[] millis = new double[STEPS];
            for (int i = -15; i < STEPS; i++) {
                long start = System.nanoTime();
                session.clearGradient();
                session.run(batch);
                session.update(new AdamW(i + 16, 1e-3, 0.9, 0.95, 1e-8, 0.1, 1.0, 1.0));
                if (i >= 0) {
                    millis[i] = (System.nanoTime() - start) / 1e6;
                } else if (i == -15) {
                    first = session.scalar("total");
                    System.out.printf(
                            Locale.ROOT, "  opened and first step in %.2f s%n", (System.nanoTime() - begun) / 1e9);
                }
            }
            Arrays.sort(millis);
            double median = millis[STEPS / 2];
            System.out.printf(
                    Locale.ROOT,
                    "%-11s median %.3f ms (quartiles %.3f, %.3f), %.0f TFLOP/s, %.2f GiB, loss %.4f -> %.4f%n",
                    name,
                    median,
                    millis[STEPS / 4],
                    millis[3 * STEPS / 4],
                    program.flops() / median / 1e9,
                    ((CudaSession) session).bytes() / (double) (1L << 30),
                    first,
                    session.scalar("total"));
            if (profile) {
                ((CudaSession) session).profile(20).forEach(line -> System.out.println("    " + line));
            }
        }
    }
}
