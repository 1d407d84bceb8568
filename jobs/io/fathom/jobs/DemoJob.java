package io.fathom.jobs;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.cluster.CorpusPreparation;
import io.fathom.cluster.EngineLines;
import io.fathom.cluster.PassProgress;
import io.fathom.cluster.StoppedException;
import io.fathom.cluster.TrainingSummary;
import io.fathom.config.ConfigReader;
import io.fathom.config.ConfigWriter;
import io.fathom.config.RunConfig;
import io.fathom.corpus.Corpus;
import io.fathom.corpus.CorpusManifest;
import io.fathom.decode.CausalRule;
import io.fathom.decode.Decoder;
import io.fathom.decode.Generation;
import io.fathom.decode.Generator;
import io.fathom.decode.Sampling;
import io.fathom.model.Flops;
import io.fathom.model.ModelSpec;
import io.fathom.report.ReportPage;
import io.fathom.train.Budget;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.apache.spark.api.java.JavaSparkContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** All jobs in order on a small text: from text to the routing report, beside a dense twin of equal FLOPs. */
@Command(
        name = "demo",
        description = "Prepares a corpus, trains a Mixture-of-Depths model and its dense twin on the same training"
                + " FLOPs, measures routing and writes the report. Goes on where an earlier demo was stopped.")
final class DemoJob implements Callable<Integer> {
    private static final String PROMPT = "  /**\n   * Returns ";
    private static final int SAMPLE_TOKENS = 400;

    @Mixin
    private JobOptions options = new JobOptions();

    @Override
    public Integer call() throws IOException, InterruptedException {
        RunConfig asked = options.config();
        try (JavaSparkContext spark = SparkContexts.start("demo")) {
            System.out.println("1 of 5  text to tokens");
            Corpus corpus = new CorpusPreparation(spark, asked, PassProgress.standard("prepare"))
                    .prepare(false)
                    .corpus();
            tell(corpus.manifest());
            ModelSpec spec = asked.model().spec(corpus.tokenizer().vocabulary());
            RunConfig routed = TrainingPlan.of(asked, spec);
            RunConfig dense = denseTwin(routed, spec);

            EngineLines.of(spark, asked, asked.train().workers()).forEach(System.out::println);
            System.out.println("2 of 5  Mixture-of-Depths: " + shape(spec, routed));
            TrainingSummary routedSummary = train(spark, routed, "MoD  ");
            System.out.println("3 of 5  its dense twin, on the same training FLOPs: " + shape(spec.dense(), dense));
            TrainingSummary denseSummary = train(spark, dense, "dense");

            System.out.println("4 of 5  what the routers do on the validation text");
            RoutingJob.measure(
                    spark, routed, Optional.empty(), new PrintStream(OutputStream.nullOutputStream(), false, UTF_8));
            System.out.println("5 of 5  the report");
            String report = ReportPage.write(spark.hadoopConfiguration(), routed.run(), List.of(), routed.corpusPath());

            Comparison.print(new Flops(spec), routedSummary, denseSummary, corpus.manifest());
            sample(spark, routed, corpus);
            System.out.println("Report: " + report);
            return 0;
        }
    }

    private TrainingSummary train(JavaSparkContext spark, RunConfig config, String name) throws IOException {
        try {
            boolean begun = new CheckpointStore(spark.hadoopConfiguration(), config.run()).begun();
            return TrainJob.train(spark, config, name, options.command(), begun);
        } catch (StoppedException e) {
            throw e.with("the demo goes on from there when it is run again");
        }
    }

    private static void tell(CorpusManifest corpus) {
        System.out.printf(
                Locale.ROOT,
                "        %,d documents, %,d bytes of text, %,d tokens to learn from, %,d to validate on%n",
                corpus.documents(),
                corpus.bytes(),
                corpus.train().tokens(),
                corpus.validation().tokens());
    }

    private static String shape(ModelSpec spec, RunConfig config) {
        return String.format(
                Locale.ROOT,
                "%d blocks, width %d, context %d; %d rounds of %d workers x %d steps",
                spec.blocks(),
                spec.width(),
                spec.context(),
                config.train().rounds(),
                config.train().workers(),
                config.train().localSteps());
    }

    /** The same run with every block dense, in {@code <run>/dense}, on the routed model's training FLOPs. */
    static RunConfig denseTwin(RunConfig routed, ModelSpec spec) {
        Map<String, String> changes = Map.of(
                "run",
                routed.run() + "/dense",
                "corpus.path",
                routed.corpusPath(),
                "model.routing.kind",
                "dense",
                "train.flops",
                Double.toString(new Budget(spec, routed.train()).flops()));
        RunConfig dense = ConfigReader.read(List.of(
                ConfigReader.settings(changes, "dense twin"), ConfigReader.parse(ConfigWriter.render(routed), "demo")));
        return TrainingPlan.of(dense, spec.dense());
    }

    private static void sample(JavaSparkContext spark, RunConfig config, Corpus corpus) {
        Checkpoint trained = new CheckpointStore(spark.hadoopConfiguration(), config.run()).newest();
        Sampling sampling = new Sampling(0.7, OptionalInt.empty(), 1, config.seed());
        System.out.println("\nThe MoD model goes on from a line of Javadoc:\n");
        System.out.print(PROMPT);
        Generation generation;
        try (TextReader text = TextReader.of(config, trained)) {
            Decoder decoder = new Decoder(text.reader(), CausalRule.of(trained.spec()));
            generation = new Generator(decoder, corpus.tokenizer())
                    .generate(PROMPT, SAMPLE_TOKENS, sampling, System.out::print);
        }
        System.out.printf(
                Locale.ROOT,
                "%n%n%.0f tokens/s; %.1f of %d blocks a token%n",
                generation.cost().tokensPerSecond(),
                generation.cost().meanDepth(),
                trained.spec().blocks());
    }
}
