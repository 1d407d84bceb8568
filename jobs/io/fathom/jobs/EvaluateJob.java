package io.fathom.jobs;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.cluster.EngineLines;
import io.fathom.cluster.EvaluationPass;
import io.fathom.config.RunConfig;
import io.fathom.corpus.Corpus;
import io.fathom.decode.evaluation.EvaluationFold;
import io.fathom.decode.evaluation.EvaluationResults;
import io.fathom.decode.evaluation.Thresholds;
import io.fathom.routing.Table;
import java.io.PrintStream;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.spark.api.java.JavaSparkContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Scores a checkpoint under top-k and under each causal rule, and calibrates the thresholds of generation. */
@Command(
        name = "evaluate",
        description = "Scores a checkpoint on the validation split under top-k, predictor and router routing: loss,"
                + " causal gap, capacity, FLOPs; calibrates a threshold for each block. Writes <run>/evaluation.")
final class EvaluateJob implements Callable<Integer> {
    @Mixin
    private JobOptions options = new JobOptions();

    @Option(names = "--round", paramLabel = "N", description = "The checkpoint to score; the newest if not given.")
    private Optional<Integer> round = Optional.empty();

    @Option(
            names = "--corpus",
            paramLabel = "DIR",
            description = "A prepared corpus whose validation split to score; the run's own otherwise.")
    private Optional<String> corpusPath = Optional.empty();

    @Override
    public Integer call() {
        RunConfig config = options.configOfRun();
        try (JavaSparkContext spark = SparkContexts.start("evaluate")) {
            RunDirectory run = new RunDirectory(spark.hadoopConfiguration(), config.run());
            CheckpointStore store = new CheckpointStore(run);
            Checkpoint checkpoint = round.map(store::read).orElseGet(store::newest);
            Corpus learnt = Corpus.open(spark.hadoopConfiguration(), config.corpusPath());
            Corpus scored = Corpus.open(spark.hadoopConfiguration(), corpusPath.orElse(config.corpusPath()));
            EvaluationPass pass = new EvaluationPass(spark, config, checkpoint, learnt, scored);

            EngineLines.of(spark, config, spark.defaultParallelism()).forEach(System.out::println);
            Thresholds thresholds = pass.calibrate();
            EvaluationFold fold = pass.run(thresholds);
            EvaluationResults results = EvaluationResults.of(
                    new EvaluationResults.Source(
                            checkpoint.round(),
                            scored.validation().name(),
                            scored.validation().bytesPerToken()),
                    fold,
                    thresholds);

            thresholds.writeTo(run);
            results.writeTo(run);
            print(results, config.evaluation().sequences(), System.out);
            System.out.println("Tables: " + run.path("evaluation"));
        }
        return 0;
    }

    private static void print(EvaluationResults results, long asked, PrintStream out) {
        long sequences = results.summary().get("sequences").asLong();
        out.printf(
                Locale.ROOT,
                "Round %d over %,d sequences, %,d tokens%s%n%n",
                results.summary().get("round").asInt(),
                sequences,
                results.summary().get("tokens").asLong(),
                sequences < asked ? " (the validation split holds no more)" : "");
        out.println("mode                      loss  perplexity  bits/byte  gap nats   gap %  capacity"
                + "  FLOPs/token  of dense");
        Table modes = results.table("modes");
        for (int i = 0; i < modes.rows().size(); i++) {
            out.printf(
                    Locale.ROOT,
                    "%-22s  %6.4f  %10.2f  %9.4f  %+8.4f  %+6.2f  %8.4f  %,11.0f  %7.1f%%%n",
                    modes.text(i, "mode"),
                    modes.number(i, "loss"),
                    modes.number(i, "perplexity"),
                    modes.number(i, "bits_per_byte"),
                    modes.number(i, "gap_nats"),
                    modes.number(i, "gap_percent"),
                    modes.number(i, "capacity"),
                    modes.number(i, "forward_flops_per_token"),
                    100 * modes.number(i, "share_of_dense_twin"));
        }
        Table signals = results.table("signals");
        if (!signals.rows().isEmpty()) {
            out.println();
            out.println("signal     block  accuracy  always bypass  precision  recall     F1    AUC  overlap    ECE");
        }
        for (int i = 0; i < signals.rows().size(); i++) {
            out.printf(
                    Locale.ROOT,
                    "%-9s  %5d  %8.4f  %13.4f  %9.4f  %6.4f  %5.3f  %5.3f  %7.4f  %5.3f%n",
                    signals.text(i, "signal"),
                    signals.whole(i, "block"),
                    signals.number(i, "accuracy"),
                    signals.number(i, "bypass_baseline"),
                    signals.number(i, "precision"),
                    signals.number(i, "recall"),
                    signals.number(i, "f1"),
                    signals.number(i, "auc"),
                    signals.number(i, "top_k_overlap"),
                    signals.number(i, "calibration_error"));
        }
        out.println();
    }
}
