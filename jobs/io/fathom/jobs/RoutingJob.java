package io.fathom.jobs;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.cluster.EngineLines;
import io.fathom.cluster.RoutingPass;
import io.fathom.config.RunConfig;
import io.fathom.corpus.Corpus;
import io.fathom.routing.RoutingFiles;
import io.fathom.routing.RoutingResults;
import io.fathom.routing.Table;
import io.fathom.routing.TokenText;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures what a checkpoint's routers do on the validation split, and what that saves. */
@Command(
        name = "routing",
        description = "Measures the routing of a run's checkpoint on the validation split: rates, weights, depth,"
                + " tokens, FLOPs. Writes <run>/routing.")
final class RoutingJob implements Callable<Integer> {
    @Mixin
    private JobOptions options = new JobOptions();

    @Option(names = "--round", paramLabel = "N", description = "The checkpoint to measure; the newest if not given.")
    private Optional<Integer> round = Optional.empty();

    @Override
    public Integer call() throws IOException {
        RunConfig config = options.configOfRun();
        try (JavaSparkContext spark = SparkContexts.start("routing")) {
            EngineLines.of(spark, config, spark.defaultParallelism()).forEach(System.out::println);
            measure(spark, config, round, System.out);
        }
        return 0;
    }

    /** Measures the run of {@code config} and writes its tables. */
    static RoutingResults measure(JavaSparkContext spark, RunConfig config, Optional<Integer> round, PrintStream out)
            throws IOException {
        Configuration hadoop = spark.hadoopConfiguration();
        CheckpointStore checkpoints = new CheckpointStore(hadoop, config.run());
        Checkpoint checkpoint = round.map(checkpoints::read).orElseGet(checkpoints::newest);
        Corpus corpus = Corpus.open(hadoop, config.corpusPath());

        RoutingPass.Outcome outcome =
                new RoutingPass(spark, config, checkpoint, corpus.tokenizer(), corpus.validation()).run();

        ObjectNode source = new ObjectMapper().createObjectNode();
        source.put("round", checkpoint.round());
        source.put("corpus", corpus.path().toString());
        source.put("tokenizer", corpus.tokenizer().name());
        source.put("bytes_per_token", corpus.validation().bytesPerToken());
        RoutingResults results = RoutingResults.of(
                source,
                checkpoint.spec(),
                outcome.fold(),
                outcome.figures(),
                new TokenText(corpus.tokenizer().endOfText(), corpus.tokenizer()::bytes),
                config.routing().histogramBins(),
                config.routing().topTokens());
        RoutingFiles files = new RoutingFiles(hadoop, config.run());
        files.write(results);

        print(results, outcome, out);
        out.println("Tables: " + files.folder());
        return results;
    }

    private static void print(RoutingResults results, RoutingPass.Outcome outcome, PrintStream out) {
        long sequences = outcome.fold().sequences();
        out.printf(
                Locale.ROOT,
                "Routing of round %d over %,d sequences, %,d tokens%s%n%n",
                results.summary().get("round").asInt(),
                sequences,
                results.summary().get("tokens").asLong(),
                sequences < outcome.asked() ? " (the validation split holds no more)" : "");
        out.println("block  selected  share > 0.5  entropy  predictor: rate  accuracy  always bypass");
        Table layers = results.table("layers");
        Table causal = results.table("causal");
        for (int i = 0; i < layers.rows().size(); i++) {
            out.printf(
                    Locale.ROOT,
                    "%5d  %8.4f  %11.4f  %7.3f",
                    layers.whole(i, "block"),
                    layers.number(i, "selection_rate"),
                    layers.number(i, "above_half_share"),
                    layers.number(i, "binary_entropy_bits"));
            for (int j = 0; j < causal.rows().size(); j++) {
                if (causal.whole(j, "block") == layers.whole(i, "block")
                        && causal.text(j, "rule").equals("predictor")) {
                    out.printf(
                            Locale.ROOT,
                            "  %15.4f  %8.4f  %13.4f",
                            causal.number(j, "rate"),
                            causal.number(j, "accuracy"),
                            causal.number(j, "bypass_baseline"));
                }
            }
            out.println();
        }
        out.println();
        out.println("forward FLOPs a token          FLOPs   of dense twin   saved");
        Table flops = results.table("flops");
        for (int i = 0; i < flops.rows().size(); i++) {
            String rule = flops.text(i, "rule");
            out.printf(
                    Locale.ROOT,
                    "%-22s %,13.0f  %13.1f%%  %5.1f%%%n",
                    flops.text(i, "figure") + (rule.equals("none") ? "" : ", " + rule),
                    flops.number(i, "forward_flops_per_token"),
                    100 * flops.number(i, "share_of_dense_twin"),
                    100 * flops.number(i, "saved"));
        }
        out.println(
                outcome.figures().agree()
                        ? "the figures agree: budgeted and counted are one number, and realised under top-k too"
                        : "WARNING: budgeted, counted and realised FLOPs do not agree: one of them is wrong");
        out.println();
    }
}
