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
final class TinyRun {
    static final int VOCABULARY = 19;

    private TinyRun() {}

    /** The smallest configuration, with {@code settings} as key, value, key, value. */
    static RunConfig config(String... settings) {
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

    static TrainingSummary train(JavaSparkContext spark, RunConfig config, Path run, boolean resume) {
        return train(
                spark,
                config,
                run,
                resume,
                UnaryOperator.identity(),
                TrainingRun.codec(spec(config), config.train().encoding()));
    }

    static TrainingSummary train(
            JavaSparkContext spark,
            RunConfig config,
            Path run,
            boolean resume,
            UnaryOperator<WorkerTools> change,
            SliceCodec codec) {
        TrainingRun training = new TrainingRun(
                spark,
                config,
                change.apply(tools(config)),
                codec,
                new RunDirectory(new Configuration(), run.toString()),
                Progress.silent());
        return training.train(training.begin(resume));
    }

    static Checkpoint newest(Path run) {
        return new CheckpointStore(new Configuration(), run.toString()).newest();
    }
}
