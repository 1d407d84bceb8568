package io.fathom.decode;

import io.fathom.engine.Engine;
import io.fathom.engine.Engines;
import io.fathom.engine.Precision;
import io.fathom.engine.SessionOptions;
import io.fathom.engine.TokenReader;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Times reading a prompt and writing on from it, greedily, on the processor and on the GPU, with fresh weights, which
 * cost what trained ones do; and says whether both write the same tokens.
 *
 * <p>Arguments: {@code [--gpu-alone] [row...]}.
 */
public final class DecodingSpeed {
    private static final int TIMES = 3;

    private record Row(int vocabulary, int context, int width, int heads, int blocks, int prompt, boolean routed) {
        ModelSpec spec() {
            Routing routing =
                    routed ? new Routing.ExpertChoice(2, 1, 0.125, Gate.SIGMOID, 0.01, true) : new Routing.Dense();
            return new ModelSpec(vocabulary, context, width, heads, blocks, routing);
        }
    }

    private record Speed(double promptMillis, double tokenMillis, double depth, int[] tokens) {}

    private static final Map<String, Row> ROWS = new LinkedHashMap<>();

    static {
        for (boolean routed : new boolean[] {false, true}) {
            String kind = routed ? "mod" : "dense";
            ROWS.put("10m-" + kind, new Row(257, 256, 384, 6, 6, 64, routed));
            ROWS.put("124m-" + kind, new Row(50257, 1024, 768, 12, 12, 256, routed));
        }
    }

    private DecodingSpeed() {}

    public static void main(String[] arguments) {
        boolean gpuAlone = Arrays.asList(arguments).contains("--gpu-alone");
        List<String> rows =
                Arrays.stream(arguments).filter(a -> !a.startsWith("--")).toList();
        Engine cuda = Engines.named("auto");
        for (String name : rows.isEmpty() ? ROWS.keySet() : rows) {
            Row row = ROWS.get(name);
            if (row == null) {
                throw new IllegalArgumentException("no row " + name + "; rows: " + ROWS.keySet());
            }
            ModelSpec spec = row.spec();
            float[] theta = ParameterLayout.of(spec).initial(spec, 1);
            Map<String, TokenReader> readers = new LinkedHashMap<>();
            for (Precision precision : List.of(Precision.FLOAT32, Precision.BF16)) {
                cuda.reader(spec, theta, SessionOptions.DEFAULT.withPrecision(precision))
                        .ifPresent(reader -> readers.put("gpu " + precision.spelled(), reader));
            }
            if (!gpuAlone || readers.isEmpty()) {
                readers.put("processor", new ProcessorReader(spec, theta));
            }
            time(name, row, readers);
            readers.values().forEach(TokenReader::close);
        }
    }

    private static void time(String name, Row row, Map<String, TokenReader> readers) {
        Map<String, Speed> speeds = new TreeMap<>();
        readers.forEach((where, reader) -> {
            Speed speed = speed(row, reader, where.equals("processor") ? 32 : 160);
            speeds.put(where, speed);
            System.out.printf(
                    Locale.ROOT,
                    "%-11s %-12s prompt of %d in %.2f ms (%.0f tokens/s), then %.3f ms a token (%.0f tokens/s);"
                            + " %.2f of %d blocks a token%n",
                    name,
                    where,
                    row.prompt(),
                    speed.promptMillis(),
                    1e3 * row.prompt() / speed.promptMillis(),
                    speed.tokenMillis(),
                    1e3 / speed.tokenMillis(),
                    speed.depth(),
                    row.blocks());
        });
        Speed twin = speeds.get("processor");
        Speed gpu = speeds.get("gpu float32");
        if (twin != null && gpu != null) {
            int compared = Math.min(twin.tokens().length, gpu.tokens().length);
            boolean same = Arrays.equals(Arrays.copyOf(twin.tokens(), compared), Arrays.copyOf(gpu.tokens(), compared));
            System.out.printf(
                    Locale.ROOT,
                    "%-11s first %d tokens of both %s; a token %.1f times as fast%n",
                    name,
                    compared,
                    same ? "the same" : "DIFFER",
                    twin.tokenMillis() / gpu.tokenMillis());
        }
    }

    private static Speed speed(Row row, TokenReader reader, int count) {
        SplittableRandom random = new SplittableRandom(3);
        CausalRule rule = CausalRule.of(reader.spec());
        List<int[]> windows = List.of(
                random.ints(row.context(), 0, row.vocabulary()).toArray(),
                random.ints(row.context(), 0, row.vocabulary()).toArray());
        if (row.routed()) {
            rule = rule.withThresholds(new Decoder(reader, rule).calibrate(windows, 0.125));
        }
        Decoder decoder = new Decoder(reader, rule);
        int[] prompt = Arrays.copyOf(windows.get(0), row.prompt());
        Speed best = new Speed(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY, 0, new int[0]);
        for (int time = 0; time < TIMES + 1; time++) {
            try (Sequence sequence = decoder.begin()) {
                int[] tokens = new int[count];
                long start = System.nanoTime();
                float[] logits = decoder.advance(sequence, prompt);
                long read = System.nanoTime();
                for (int i = 0; i < count; i++) {
                    tokens[i] = Sampling.GREEDY.choose(logits, random);
                    logits = decoder.advance(sequence, tokens[i]);
                }
                double tokenMillis = (System.nanoTime() - read) / 1e6 / count;
                double depth = (double) sequence.cacheBytes() / sequence.denseCacheBytes() * row.blocks();
                best = new Speed(
                        Math.min(best.promptMillis(), (read - start) / 1e6),
                        Math.min(best.tokenMillis(), tokenMillis),
                        depth,
                        tokens);
            }
        }
        return best;
    }
}
