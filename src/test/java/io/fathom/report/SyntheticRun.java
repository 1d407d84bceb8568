package io.fathom.report;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.model.Flops;
import io.fathom.model.ModelSpec;
import io.fathom.routing.FlopFigures;
import io.fathom.routing.RoutingFiles;
import io.fathom.routing.RoutingFold;
import io.fathom.routing.RoutingResults;
import io.fathom.routing.SyntheticTraces;
import io.fathom.routing.TokenText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import org.apache.hadoop.conf.Configuration;

/** Run directories with made-up numbers, for reports and notebooks to read. */
final class SyntheticRun {
    private static final String TEXT = """
            /**
             * Returns the largest of {@code values}, or throws when there are none.
             * The cost is linear: <3 comparisons & no copies.
             */
            static int largest(int[] values) {
                int best = values[0]; // 1st
                for (int i = 1; i < values.length; i++) {
            \t\tbest = Math.max(best, values[i] * 42 - 17);
                }
                return best;
            }

            """;

    private SyntheticRun() {}

    /** Lines such as training writes: a loss that falls from 5.5 towards {@code floor}. */
    static void metrics(Path run, double floor, double flopsPerToken, int rounds, long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        StringBuilder lines = new StringBuilder();
        for (int round = 1; round <= rounds; round++) {
            double tokens = round * 40_960.0;
            double loss = floor + (5.5 - floor) * Math.exp(-4.0 * round / rounds) + 0.04 * random.nextDouble();
            lines.append(String.format(
                    Locale.ROOT,
                    "{\"round\":%d,\"step\":%d,\"tokens\":%.0f,\"loss\":%f,\"ce\":%f,\"aux\":0.4,\"pred\":0.3,\"cosine\":0.4,"
                            + "\"tokensPerSecond\":%f,\"flops\":%e",
                    round,
                    round * 20,
                    tokens,
                    loss + 0.3,
                    loss,
                    20_000 + 500 * random.nextDouble(),
                    tokens * flopsPerToken));
            if (round % 3 == 0 || round == rounds) {
                lines.append(String.format(
                        Locale.ROOT, ",\"validationLoss\":%f,\"bitsPerByte\":%f", loss + 0.1, (loss + 0.1) / 0.6931));
            }
            lines.append("}\n");
        }
        Files.createDirectories(run);
        Files.writeString(run.resolve("metrics.jsonl"), lines.toString());
    }

    /** The results of a routing pass over made-up traces. */
    static RoutingResults routing(Path run, ModelSpec spec) throws IOException {
        RoutingFold fold = new RoutingFold(spec, 40, 6);
        SyntheticTraces.of(spec, TEXT, 64, 11).forEach(fold::add);
        RoutingResults results = RoutingResults.of(
                new ObjectMapper().createObjectNode().put("round", 30).put("tokenizer", "bytes"),
                spec,
                fold,
                FlopFigures.of(spec, fold, (double) new Flops(spec).forward()),
                new TokenText(256, token -> new byte[] {(byte) token}),
                40,
                12);
        new RoutingFiles(new Configuration(), run.toString()).write(results);
        return results;
    }

    /** A run with every part: training, twin, routing, configuration, provenance. */
    static void complete(Path run) throws IOException {
        ModelSpec spec = SyntheticTraces.model(128, 8, 0.125, true);
        Flops flops = new Flops(spec);
        metrics(run, 1.55, flops.trainingPerToken(), 30, 1);
        metrics(run.resolve("dense"), 1.62, flops.denseTwin().trainingPerToken(), 19, 2);
        routing(run, spec);
        Files.createDirectories(run.resolve("evaluation"));
        Files.writeString(
                run.resolve("evaluation/evaluation.json"),
                "{\"tokens\":8192,\"modes\":[{\"mode\":\"predictor > 0\",\"loss\":1.7654,\"bits_per_byte\":2.5,"
                        + "\"gap_nats\":0.0054,\"gap_percent\":0.31,\"capacity\":0.124,"
                        + "\"share_of_dense_twin\":0.57}]}");
        Files.write(
                run.resolve("config.conf"), "fathom { seed = 1, note = \"a < b\" }\n".getBytes(StandardCharsets.UTF_8));
        Files.writeString(
                run.resolve("provenance.json"),
                "{\"git\":{\"commit\":\"0123abc\",\"dirty\":false},\"java\":\"17.0.15\",\"spark\":\"3.5.9\"}\n");
    }
}
