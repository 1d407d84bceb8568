package io.fathom.cluster;

import io.fathom.average.SliceCodec;
import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.config.ConfigReader;
import io.fathom.config.RunConfig;
import io.fathom.model.ModelSpec;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

/** A run of a model small enough to train in milliseconds. */
public final class TinyRun {
    static final int VOCABULARY = 19;

    private TinyRun() {}

    /** The smallest configuration, with {@code settings} as key, value, key, value. */
    public static RunConfig config(String... settings) {
        Map<String, String> all = new LinkedHashMap<>(Map.of(
                "model.context", "8",
                "model.width", "16",
                "model.heads", "2",
                "model.blocks", "2",
                "model.routing.capacity", "0.5",
                "engine.name", "cpu",
                "train.localSteps", "2",
                "train.batch", "4",
                "train.learningRate.warmupSteps", "3",
                "train.validation.batches", "2"));
        for (int i = 0; i < settings.length; i += 2) {
            all.put(settings[i], settings[i + 1]);
        }
        return ConfigReader.read(List.of(ConfigReader.settings(all, "test")));
    }

    static ModelSpec spec(RunConfig config) {
        return config.model().spec(VOCABULARY);
    }

    static WorkerTools tools(RunConfig config) {
        return WorkerTools.of(
                UUID.randomUUID().toString(),
                config,
                spec(config),
                ArraySplit.learnable("train", 900, VOCABULARY, 1),
                ArraySplit.learnable("validation", 200, VOCABULARY, 2));
    }

    static JavaSparkContext spark(String master, String... settings) {
        SparkConf conf = new SparkConf()
                .setMaster(master)
                .setAppName("test")
                .set("spark.ui.enabled", "false")
                .set("spark.driver.host", "localhost");
        for (int i = 0; i < settings.length; i += 2) {
            conf.set(settings[i], settings[i + 1]);
        }
        return new JavaSparkContext(conf);
    }

    public static TrainingSummary train(JavaSparkContext spark, RunConfig config, Path run, boolean resume) {
        return train(spark, config, run.toString(), resume, Progress.silent());
    }

    /** Sound tools, and any Hadoop path. */
    static TrainingSummary train(
            JavaSparkContext spark, RunConfig config, String run, boolean resume, Progress progress) {
        return train(
                spark,
                config,
                run,
                resume,
                UnaryOperator.identity(),
                TrainingRun.codec(spec(config), config.train().encoding()),
                progress);
    }

    static TrainingSummary train(
            JavaSparkContext spark,
            RunConfig config,
            Path run,
            boolean resume,
            UnaryOperator<WorkerTools> change,
            SliceCodec codec) {
        return train(spark, config, run.toString(), resume, change, codec, Progress.silent());
    }

    static TrainingSummary train(
            JavaSparkContext spark,
            RunConfig config,
            String run,
            boolean resume,
            UnaryOperator<WorkerTools> change,
            SliceCodec codec,
            Progress progress) {
        TrainingRun training = new TrainingRun(
                spark,
                config,
                change.apply(tools(config)),
                codec,
                new RunDirectory(spark.hadoopConfiguration(), run),
                progress);
        try (ClaimedStart start = training.begin(resume)) {
            return training.train(start);
        }
    }

    static Checkpoint newest(Path run) {
        return new CheckpointStore(new Configuration(), run.toString()).newest();
    }
}
