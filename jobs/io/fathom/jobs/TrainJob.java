package io.fathom.jobs;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.checkpoint.Provenance;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.cluster.ClaimedStart;
import io.fathom.cluster.ConsoleProgress;
import io.fathom.cluster.EngineLines;
import io.fathom.cluster.StoppedException;
import io.fathom.cluster.TrainingRun;
import io.fathom.cluster.TrainingSummary;
import io.fathom.config.ConfigWriter;
import io.fathom.config.RunConfig;
import io.fathom.corpus.Corpus;
import io.fathom.graph.ModelFile;
import io.fathom.model.ModelSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.spark.api.java.JavaSparkContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Trains a model by rounds: token shards to checkpoints, metrics and a plain SameDiff model. */
@Command(
        name = "train",
        description =
                "Trains a model on a prepared corpus. Each round every worker makes some steps (train.localSteps),"
                        + " then their parameters are averaged. Writes checkpoints, metrics.jsonl and model/model.fb.")
final class TrainJob implements Callable<Integer> {
    @Mixin
    private JobOptions options = new JobOptions();

    @Option(
            names = "--resume",
            description = "Go on from the newest intact checkpoint; the result is that of a run never interrupted.")
    private boolean resume;

    @Option(
            names = "--explain",
            description = "Print the compiled step, with shapes, FLOPs, bytes and peak memory, and train nothing.")
    private boolean explain;

    @Override
    public Integer call() throws IOException {
        RunConfig config = options.config();
        try (JavaSparkContext spark = SparkContexts.start("train")) {
            if (explain) {
                Corpus corpus = Corpus.open(spark.hadoopConfiguration(), config.corpusPath());
                TrainingPlan.explain(
                        config, config.model().spec(corpus.tokenizer().vocabulary()));
                return 0;
            }
            EngineLines.of(spark, config, config.train().workers()).forEach(System.out::println);
            print(train(spark, config, "train", options.command(), resume), config.run());
        } catch (StoppedException e) {
            throw e.with("go on with --resume");
        }
        return 0;
    }

    /**
     * Trains the model of {@code config} and leaves its run directory complete.
     *
     * @param name of the run in its lines of progress
     * @param command for provenance
     * @param resume whether to go on from the newest intact checkpoint, if there is one
     */
    static TrainingSummary train(JavaSparkContext spark, RunConfig asked, String name, String command, boolean resume)
            throws IOException {
        RunDirectory run = new RunDirectory(spark.hadoopConfiguration(), asked.run());
        Corpus corpus = Corpus.open(spark.hadoopConfiguration(), asked.corpusPath());
        ModelSpec spec = asked.model().spec(corpus.tokenizer().vocabulary());
        RunConfig config = TrainingPlan.of(TrainingPlan.on(corpus, asked), spec);
        TrainingRun training = new TrainingRun(
                spark, config, spec, corpus.train(), corpus.validation(), run, ConsoleProgress.standard(name));

        try (ClaimedStart start = training.begin(resume)) {
            int round = start.from().round();
            if (round >= config.train().rounds()) {
                System.out.println("nothing left to train: round " + round + " is reached, train.rounds = "
                        + config.train().rounds());
            }
            Provenance now = Provenance.now(
                    command,
                    spark.version(),
                    config.seed(),
                    Provenance.CorpusIdentity.of(config.corpusPath(), corpus.manifest()));
            start.claim().check();
            (round > 0 ? now.resuming(run, round) : now).writeTo(run);
            run.write("config.conf", ConfigWriter.render(config));
            TrainingSummary summary = training.train(start);

            start.claim().check();
            saveModel(new CheckpointStore(run).newest(), run);
            return summary;
        }
    }

    /** SameDiff writes to local files alone, so the model is made here and then copied. */
    private static void saveModel(Checkpoint trained, RunDirectory run) throws IOException {
        if (!ModelFile.holds(trained.spec())) {
            System.out.println(
                    "no model/model.fb: SameDiff's format holds 1 GiB; export the run as safetensors instead");
            return;
        }
        Path local = Files.createTempFile("model", ".fb");
        try {
            ModelFile.write(trained.spec(), trained.parameters(), local);
            run.copy(local, "model/model.fb");
        } finally {
            Files.delete(local);
        }
    }

    private static void print(TrainingSummary summary, String run) {
        System.out.printf(
                Locale.ROOT,
                "%,d parameters, %s, %,d tokens, %.3g training FLOPs, %,.0f tokens/s%n"
                        + "validation loss %.4f nats a token, %.4f bits a byte%n%s%n",
                summary.parameters(),
                TrainingPlan.rounds(summary.rounds()),
                summary.tokens(),
                summary.flops(),
                summary.tokensPerSecond(),
                summary.validationLoss(),
                summary.bitsPerByte(),
                run);
    }
}
