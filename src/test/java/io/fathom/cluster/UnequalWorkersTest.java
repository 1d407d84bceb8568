package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.average.Outer;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.cluster.FaultPlan.Fault;
import io.fathom.cluster.FaultPlan.Kind;
import io.fathom.cluster.FaultPlan.Place;
import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import io.fathom.engine.AdamW;
import io.fathom.engine.Session;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rounds in which workers make different numbers of steps, some of them none. */
class UnequalWorkersTest {
    @TempDir
    Path directory;

    private final List<String> said = new ArrayList<>();

    private final Progress listener = new Progress() {
        @Override
        public void round(RoundMetrics metrics, int rounds, double secondsLeft) {}

        @Override
        public void say(String line) {
            said.add(line);
        }
    };

    /** Worker 0 computes on a machine so slow that a step of it takes a whole round. */
    private static final class Slow extends ForwardingSession {
        private static final double ROUND_SECONDS = 1.5;

        Slow(Session sound) {
            super(sound);
        }

        @Override
        public double update(AdamW step) {
            long end = System.nanoTime() + (long) (ROUND_SECONDS * 1e9);
            while (TaskContext.getPartitionId() == 0 && System.nanoTime() < end) {
                LockSupport.parkNanos(end - System.nanoTime());
            }
            return super.update(step);
        }
    }

    @Test
    void aSlowWorkerMakesFewerStepsAndWeighsLess() {
        RunConfig config = TinyRun.config(
                "train.workers", "3",
                "train.rounds", "2",
                "train.localSteps", "10",
                "train.roundSeconds", Double.toString(Slow.ROUND_SECONDS),
                "train.checkpoint.everyRounds", "1");
        try (JavaSparkContext spark = TinyRun.spark("local[3]")) {
            // The first step of all loads classes, which takes a busy machine longer than many steps after it.
            TinyRun.train(spark, TinyRun.config("train.rounds", "1"), directory.resolve("warm"), false);
            TinyRun.train(
                    spark,
                    config,
                    directory.toString(),
                    false,
                    tools -> tools.withEngine(WrappedEngine.source((sound, options) -> new Slow(sound))),
                    TrainingRun.codec(TinyRun.spec(config), config.train().encoding()),
                    listener);
        }
        List<Long> none = Collections.nCopies(3, 0L);
        List<Long> first = steps(1);
        List<Long> both = steps(2);
        assertThat(first.get(0)).isOne();
        assertThat(first.subList(1, 3)).allMatch(made -> made > 1);
        try (SequentialRounds rounds = new SequentialRounds(config, new Outer.Average())) {
            rounds.round(none, first);
            rounds.round(
                    first,
                    IntStream.range(0, 3)
                            .mapToObj(w -> both.get(w) - first.get(w))
                            .toList());
            assertThat(TinyRun.newest(directory).parameters())
                    .isEqualTo(rounds.now().parameters());
        }
    }

    /** Steps of each worker up to the end of a round. */
    private List<Long> steps(int round) {
        return new CheckpointStore(new Configuration(), directory.toString())
                .read(round)
                .progress()
                .steps();
    }

    @Test
    void timeEndsARoundEarlyAndTheCursorIsExact() {
        RunConfig config =
                TinyRun.config("train.rounds", "2", "train.localSteps", "100000", "train.roundSeconds", "0.2");
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TrainingSummary summary = TinyRun.train(spark, config, directory, false);
            List<Long> steps = TinyRun.newest(directory).progress().steps();
            assertThat(steps).allMatch(made -> made >= 2 && made < 100_000);
            long made = steps.stream().mapToLong(Long::longValue).sum();
            assertThat(summary.tokens()).isEqualTo(made * 4 * 8);
            double whole = TrainingRun.roundFlops(TinyRun.spec(config), config.train());
            assertThat(summary.flops()).isCloseTo(whole / 200_000 * made, Percentage.withPercentage(1e-6));
        }
    }

    @Test
    void aWorkerThatFailsIsNamedAndLeftOutWhereThatIsTolerated() throws IOException {
        RunConfig config = TinyRun.config("train.workers", "3", "train.rounds", "3", "train.toleratedFailures", "1");
        train(config, new Fault(Place.TRAINING, 3, Kind.NAN));
        List<String> lines = Files.readAllLines(directory.resolve("metrics.jsonl"));
        assertThat(lines.get(0)).contains("\"rejected\":[]");
        int failed = IntStream.range(0, 3)
                .filter(worker -> lines.get(1).contains("\"rejected\":[" + worker + "]"))
                .findFirst()
                .orElseThrow();
        assertThat(lines.get(1)).contains("\"tokens\":320,");
        assertThat(lines.get(2)).contains("\"rejected\":[]").contains("\"step\":6,");
        assertThat(said)
                .singleElement()
                .asString()
                .startsWith("round 2, worker " + failed
                        + ": in step 3 the gradient's norm is NaN: lower train.learningRate.peak")
                .endsWith("left out of this round's average");
        assertThat(TinyRun.newest(directory).progress().steps()).containsExactly(6L, 6L, 6L);
        try (SequentialRounds rounds = new SequentialRounds(config, new Outer.Average())) {
            List<Long> two = Collections.nCopies(3, 2L);
            List<Long> others = new ArrayList<>(two);
            others.set(failed, 0L);
            rounds.round(Collections.nCopies(3, 0L), two);
            rounds.round(two, others);
            rounds.round(Collections.nCopies(3, 4L), two);
            assertThat(TinyRun.newest(directory).parameters())
                    .isEqualTo(rounds.now().parameters());
        }
    }

    @Test
    void moreFailuresThanAreToleratedStopTheRun() {
        RunConfig config = TinyRun.config(
                "train.workers", "3",
                "train.rounds", "3",
                "train.toleratedFailures", "1",
                "train.checkpoint.everyRounds", "1");
        Fault fault = new Fault(Place.TRAINING, 3, Kind.NAN);
        assertThatThrownBy(() -> train(config, fault, fault))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("round 2, worker ")
                .hasMessageContaining("2 workers failed, train.toleratedFailures = 1")
                .hasMessageContaining("--resume");
        assertThat(TinyRun.newest(directory).round()).isEqualTo(1);
    }

    private void train(RunConfig config, Fault... faults) {
        FaultPlan plan = new FaultPlan(directory, faults);
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, config, directory.toString(), false, plan::applyTo, plan.codec(), listener);
        }
    }
}
