package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.average.WholeFloats;
import io.fathom.config.RunConfig;
import io.fathom.corpus.TokenSplit;
import io.fathom.engine.Session;
import io.fathom.model.Batch;
import io.fathom.model.ParameterLayout;
import io.fathom.train.LocalTrainer;
import io.fathom.train.Moments;
import io.fathom.train.Optimization;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What parameter averaging must be the same as. */
class EquivalencesTest {
    private static final int WORKERS = 4;
    private static final int ROUNDS = 6;

    @TempDir
    Path directory;

    /**
     * Averaging after every step of SGD is SGD on the batch of all workers. AdamW with beta1 = 0 and an epsilon far
     * above every gradient is SGD with rate learningRate / epsilon, here 0.5.
     */
    @Test
    void averagingEachStepOfSgdIsSgdOnTheBatchOfAllWorkers() {
        RunConfig config = TinyRun.config(
                "train.workers", Integer.toString(WORKERS),
                "train.rounds", Integer.toString(ROUNDS),
                "train.localSteps", "1",
                "train.learningRate.peak", "5e8",
                "train.learningRate.floor", "5e8",
                "train.learningRate.warmupSteps", "0",
                "train.adamw.beta1", "0",
                "train.adamw.epsilon", "1e9",
                "train.adamw.weightDecay", "0",
                "train.adamw.clipNorm", "1e9");
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, config, directory, false);
        }
        float[] averaged = TinyRun.newest(directory).parameters();

        WorkerTools tools = TinyRun.tools(config);
        float[] initial = ParameterLayout.of(tools.spec()).initial(tools.spec(), config.seed());
        Optimization large = new Optimization(
                tools.optimization().learningRate(), tools.optimization().adamw(), WORKERS);
        float[] together;
        try (Session session = tools.openTraining(0)) {
            together = new LocalTrainer(session, large)
                    .train(
                            (worker, step) -> ofAllWorkers(tools, step),
                            0,
                            0,
                            LocalTrainer.Limits.steps(ROUNDS),
                            initial,
                            Moments.zero(initial.length))
                    .parameters();
        }
        double difference = distance(averaged, together);
        double change = distance(together, initial);
        assertThat(change).isGreaterThan(0.1);
        assertThat(difference / change).isLessThan(1e-5);
    }

    private static Batch ofAllWorkers(WorkerTools tools, long step) {
        Batch[] parts = IntStream.range(0, WORKERS)
                .mapToObj(worker -> tools.trainingBatches().batch(worker, step))
                .toArray(Batch[]::new);
        int tokens = parts[0].tokens().length;
        int[] inputs = new int[WORKERS * tokens];
        int[] targets = new int[WORKERS * tokens];
        for (int worker = 0; worker < WORKERS; worker++) {
            System.arraycopy(parts[worker].tokens(), 0, inputs, worker * tokens, tokens);
            System.arraycopy(parts[worker].targets(), 0, targets, worker * tokens, tokens);
        }
        return new Batch(WORKERS * parts[0].sequences(), parts[0].length(), inputs, targets);
    }

    /** Every window of the text is the same, so every worker's batches are. */
    @Test
    void equalWorkersEqualOneOfThemBitForBit() {
        float[] one = trainedOnOneWindow(1);
        assertThat(trainedOnOneWindow(3)).isEqualTo(one);
        assertThat(trainedOnOneWindow(2)).isEqualTo(one);
    }

    private float[] trainedOnOneWindow(int workers) {
        RunConfig config = TinyRun.config("train.rounds", "3", "train.workers", Integer.toString(workers));
        int context = config.model().context();
        TokenSplit split = new ArraySplit(
                "train",
                IntStream.rangeClosed(0, 20 * context).map(i -> i % context * 2).toArray());
        Path run = directory.resolve("workers-" + workers);
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(
                    spark,
                    config,
                    run,
                    false,
                    tools -> WorkerTools.of(tools.run(), config, tools.spec(), split, tools.validation()),
                    new WholeFloats());
        }
        return TinyRun.newest(run).parameters();
    }

    private static double distance(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            double d = (double) a[i] - b[i];
            sum += d * d;
        }
        return Math.sqrt(sum);
    }
}
