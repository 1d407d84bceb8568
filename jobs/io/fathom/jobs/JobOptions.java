package io.fathom.jobs;

import com.typesafe.config.Config;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.config.ConfigReader;
import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import scala.Tuple2;

/** The options every job has; whatever else can be said belongs in the configuration. */
final class JobOptions {
    private static final String TRAINED_WITH = "config.conf";
    private static final String SPARK_PREFIX = "spark.fathom.";

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec job;

    @Option(
            names = "--run",
            paramLabel = "DIR",
            description = "The run directory, any Hadoop path; short for --set run=DIR.")
    private Optional<String> run = Optional.empty();

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "A configuration file: a local path, a Hadoop path, or a name given to --files.")
    private Optional<String> config = Optional.empty();

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description =
                    "One setting, such as train.rounds=40; may be repeated. Stronger than spark.fathom.* and --config.")
    private Map<String, String> settings = new LinkedHashMap<>();

    @Option(names = "--verbose", description = "Show stack traces and the log of Spark.")
    private boolean verbose;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    @SuppressWarnings("UnusedVariable") // picocli sets it and acts on it
    private boolean help;

    /** The resolved configuration; throws {@link io.fathom.config.UserError} with every problem it has. */
    RunConfig config() {
        return config(List.of());
    }

    private RunConfig config(List<Config> weaker) {
        SparkConf spark = new SparkConf();
        List<Config> layers = new ArrayList<>();
        run.ifPresent(directory -> layers.add(ConfigReader.settings(Map.of("run", directory), "--run")));
        layers.add(ConfigReader.settings(settings, "--set"));
        layers.add(ConfigReader.settings(sparkSettings(spark), "spark.fathom"));
        config.ifPresent(file -> layers.add(new ConfigFile(spark).read(file)));
        layers.addAll(weaker);
        return ConfigReader.read(layers);
    }

    /**
     * The resolved configuration over the one the run was trained with, where its directory has one: what a job needs
     * that uses a trained model.
     */
    RunConfig configOfRun() {
        RunDirectory directory = runDirectory(config());
        if (!directory.exists(TRAINED_WITH)) {
            return config();
        }
        Config trained = ConfigReader.parse(directory.readText(TRAINED_WITH), directory.path(TRAINED_WITH));
        if (trained.isEmpty()) {
            throw new UserError(directory.path(TRAINED_WITH)
                    + ": is empty; put back the configuration that the run was trained with, or delete the file and give"
                    + " it by --config");
        }
        return config(List.of(trained));
    }

    /** The run directory, whether or not it exists. */
    RunDirectory runDirectory(RunConfig config) {
        return new RunDirectory(SparkContexts.hadoop(new SparkConf()), config.run());
    }

    /** The command as it was given, for provenance. */
    String command() {
        List<String> words = new ArrayList<>(List.of("fathom"));
        words.addAll(Objects.requireNonNull(job)
                .root()
                .commandLine()
                .getParseResult()
                .originalArgs());
        return String.join(" ", words);
    }

    /** Whether the user wants every detail. */
    boolean verbose() {
        return verbose;
    }

    private static Map<String, String> sparkSettings(SparkConf spark) {
        Map<String, String> found = new LinkedHashMap<>();
        for (Tuple2<String, String> each : spark.getAllWithPrefix(SPARK_PREFIX)) {
            found.put(each._1(), each._2());
        }
        return found;
    }
}
