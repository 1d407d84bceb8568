package io.fathom.cluster;

import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import io.fathom.engine.Engine;
import io.fathom.engine.Precision;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;

/** What a job's tasks will compute on, asked where they will run: on a cluster the driver may have other hardware. */
public final class EngineLines {
    private static final String ENGINE = "computing on ";
    /** The engine that takes as many threads as {@code engine.threads} says, whatever the environment does. */
    private static final String WITH_THREADS = "cpu";

    private EngineLines() {}

    /**
     * A line for each different engine and GPU that {@code tasks} tasks of {@code config} find, with why it is not cuda
     * where {@code engine.name} is {@code auto}.
     *
     * @throws UserError when the engine cannot run where a task is, or not in this precision, before anything is spent
     *     on it
     */
    public static List<String> of(JavaSparkContext spark, RunConfig config, int tasks) {
        String precision = config.engine().precision();
        int threads = config.engine().threads();
        EngineSource source = EngineSource.named(config.engine().name());
        TaskDevice device = TaskDevice.of(config.local());
        List<Integer> numbers = IntStream.range(0, tasks).boxed().toList();
        spark.setJobDescription("which engines there are");
        try {
            List<String> answers = spark.parallelize(numbers, tasks)
                    .map(task -> answer(source, precision, threads, device))
                    .collect();
            answers.stream()
                    .filter(answer -> !answer.startsWith(ENGINE))
                    .findFirst()
                    .ifPresent(error -> {
                        throw new UserError(error);
                    });
            return answers.stream().distinct().sorted().toList();
        } finally {
            spark.setJobDescription(null);
        }
    }

    /** The task: an error is an answer, since of a task that throws Spark tells in pages. */
    private static String answer(EngineSource source, String precision, int threads, TaskDevice device) {
        try {
            Engine engine = source.engine();
            Precision.named(precision, engine);
            String where = ENGINE + engine.description(device.index(engine));
            return engine.name().equals(WITH_THREADS) ? where + threads(threads) : where;
        } catch (UserError e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static String threads(int threads) {
        int processors = Runtime.getRuntime().availableProcessors();
        return "; each task on " + (threads == 1 ? "1 thread" : threads + " threads")
                + (threads > processors ? ", more than there are processors: lower engine.threads" : "");
    }
}
