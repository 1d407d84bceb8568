package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.average.Outer;
import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.cluster.FaultPlan.Fault;
import io.fathom.cluster.FaultPlan.Kind;
import io.fathom.cluster.FaultPlan.Place;
import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import io.fathom.engine.Session;
import io.fathom.model.ParameterLayout;
import io.fathom.train.LocalRound;
import io.fathom.train.LocalTrainer;
import io.fathom.train.Moments;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingRunTest {
    @TempDir
    Path directory;

    @Test
    void oneWorkerEqualsTheLocalTrainerBitForBit() {
        RunConfig config = TinyRun.config("train.workers", "1", "train.rounds", "3");
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, config, directory, false);
        }
        WorkerTools tools = TinyRun.tools(config);
        float[] initial = ParameterLayout.of(tools.spec()).initial(tools.spec(), config.seed());
        try (Session session = tools.openTraining(0)) {
            LocalRound alone = new LocalTrainer(session, tools.optimization())
                    .train(
                            tools.trainingBatches()::batch,
                            0,
                            0,
                            LocalTrainer.Limits.steps(6),
                            initial,
                            Moments.zero(initial.length));
            assertThat(TinyRun.newest(directory).parameters()).isEqualTo(alone.parameters());
            assertThat(moments(3, 0).second()).isEqualTo(alone.moments().second());
            assertThat(alone.parameters()).isNotEqualTo(initial);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"local[1]", "local[2]", "local[4]"})
    void fourWorkersEqualASequentialSimulationBitForBit(String master) {
        RunConfig config = TinyRun.config(
                "train.workers", "4", "train.rounds", "3", "train.outer.kind", "nesterov", "train.microBatches", "2");
        try (JavaSparkContext spark = TinyRun.spark(master)) {
            TinyRun.train(spark, config, directory, false);
        }
        Checkpoint trained = TinyRun.newest(directory);
        Outer.Step simulated = simulate(config, new Outer.Nesterov(0.6, 0.9));
        assertThat(trained.parameters()).isEqualTo(simulated.parameters());
        assertThat(trained.velocity().orElseThrow())
                .isEqualTo(simulated.velocity().orElseThrow());
    }

    private static Outer.Step simulate(RunConfig config, Outer outer) {
        try (SequentialRounds rounds = new SequentialRounds(config, outer)) {
            List<Long> steps = Collections.nCopies(config.train().workers(), 2L);
            for (int round = 0; round < config.train().rounds(); round++) {
                rounds.round(Collections.nCopies(config.train().workers(), 2L * round), steps);
            }
            return rounds.now();
        }
    }

    @Test
    void resumingEqualsAnUninterruptedRunBitForBit() throws IOException {
        RunConfig whole = TinyRun.config("train.rounds", "6", "train.checkpoint.everyRounds", "2");
        Path straight = directory.resolve("straight");
        Path broken = directory.resolve("broken");
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TrainingSummary expected = TinyRun.train(spark, whole, straight, false);
            TinyRun.train(spark, whole, broken, false);
            // As if the driver had died after round 5: the checkpoint of round 4 is the last that is whole.
            Files.delete(broken.resolve("checkpoints/round-000006/manifest.json"));
            TrainingSummary found = TinyRun.train(spark, whole, broken, true);
            assertThat(found.validationLoss()).isEqualTo(expected.validationLoss());
            assertThat(found.tokens()).isEqualTo(expected.tokens());
        }
        assertThat(TinyRun.newest(broken).parameters())
                .isEqualTo(TinyRun.newest(straight).parameters());
        assertThat(Files.readAllLines(broken.resolve("metrics.jsonl")))
                .hasSize(6)
                .last()
                .asString()
                .contains("\"round\":6")
                .contains("validationLoss");
    }

    @Test
    void trainingLearns() throws IOException {
        RunConfig config =
                TinyRun.config("train.rounds", "10", "train.localSteps", "10", "train.learningRate.peak", "0.01");
        try (JavaSparkContext spark =
                TinyRun.spark("local[2]", "spark.serializer", "org.apache.spark.serializer.KryoSerializer")) {
            TrainingSummary summary = TinyRun.train(spark, config, directory, false);
            assertThat(summary.validationLoss()).isLessThan(0.7 * Math.log(TinyRun.VOCABULARY));
            assertThat(summary.bitsPerByte()).isEqualTo(summary.validationLoss() / Math.log(2));
            assertThat(summary.tokens()).isEqualTo(10L * 10 * 2 * 4 * 8);
            assertThat(summary.flops()).isEqualTo(10 * TrainingRun.roundFlops(TinyRun.spec(config), config.train()));
        }
        assertThat(Files.readAllLines(directory.resolve("metrics.jsonl"))).hasSize(10);
    }

    @Test
    void aTaskThatThrowsOnceIsMadeAgainWithTheSameResult() {
        RunConfig config = TinyRun.config("train.rounds", "3");
        Path straight = directory.resolve("straight");
        Path faulty = directory.resolve("faulty");
        try (JavaSparkContext spark = TinyRun.spark("local[2,4]")) {
            TinyRun.train(spark, config, straight, false);
            FaultPlan plan = new FaultPlan(directory, new Fault(Place.TRAINING, 3, Kind.THROW));
            TinyRun.train(spark, config, faulty, false, plan::applyTo, plan.codec());
            assertThat(plan.struck()).isEqualTo(1);
        }
        assertThat(TinyRun.newest(faulty).parameters())
                .isEqualTo(TinyRun.newest(straight).parameters());
    }

    @Test
    void aLossThatIsNotFinitePublishesNothing() {
        RunConfig config = TinyRun.config(
                "train.rounds", "3", "train.learningRate.peak", "1e30", "train.checkpoint.everyRounds", "1");
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            assertThatThrownBy(() -> TinyRun.train(spark, config, directory, false))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("round 1, worker 0")
                    .hasMessageContaining("train.learningRate.peak");
        }
        assertThat(new CheckpointStore(new Configuration(), directory.toString()).list())
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"bf16", "int8"})
    void quantisedRoundsLearnLikeWholeOnesAndTellWhatTheyLose(String encoding) throws IOException {
        String[] settings = {
            "train.rounds", "8", "train.localSteps", "5", "train.learningRate.peak", "0.01", "train.encoding", encoding
        };
        RunConfig quantised = TinyRun.config(settings);
        settings[7] = "fp32";
        RunConfig whole = TinyRun.config(settings);
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            double loss = TinyRun.train(spark, quantised, directory.resolve("q"), false)
                    .validationLoss();
            double exact =
                    TinyRun.train(spark, whole, directory.resolve("w"), false).validationLoss();
            assertThat(loss).isCloseTo(exact, Percentage.withPercentage(2));
            assertThat(loss).isNotEqualTo(exact);
        }
        String lossy = Files.readAllLines(directory.resolve("q/metrics.jsonl")).get(7);
        assertThat(lossy)
                .containsPattern("\"attention\":0\\.00|\"attention\":\\d\\.\\d+E-[34]")
                .contains("\"router\":")
                .contains("\"cosine\":");
        assertThat(Files.readAllLines(directory.resolve("w/metrics.jsonl")).get(7))
                .contains("\"attention\":0.0,");
    }

    @Test
    void whatCannotGoOnIsToldWithTheRemedy() throws IOException {
        RunConfig config = TinyRun.config("train.rounds", "2", "train.checkpoint.everyRounds", "1");
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, config, directory, false);
            assertThatThrownBy(() -> TinyRun.train(spark, config, directory, false))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("trained to round 2; add --resume");
            RunConfig wider = TinyRun.config("model.width", "32");
            assertThatThrownBy(() -> TinyRun.train(spark, wider, directory, true))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("another model");
            RunConfig more = TinyRun.config("train.workers", "3");
            assertThatThrownBy(() -> TinyRun.train(spark, more, directory, true))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("train.workers = 2, the configuration says 3");
            RunConfig large = TinyRun.config("train.batch", "64");
            assertThatThrownBy(() -> TinyRun.train(spark, large, directory, true))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("validation holds 200 tokens");
            truncate(directory.resolve("checkpoints/round-000002/worker-001.moments"));
            TinyRun.train(spark, config, directory, true);
            assertThat(TinyRun.newest(directory).round()).isEqualTo(2);
        }
    }

    private Moments moments(int round, int worker) {
        CheckpointStore store = new CheckpointStore(new Configuration(), directory.toString());
        int size = store.read(round).parameters().length;
        float[][] read = new float[2][size];
        store.readMoments(
                round,
                worker,
                size,
                (vector, from, values, length) -> System.arraycopy(values, 0, read[vector], from, length));
        return new Moments(read[0], read[1]);
    }

    private static void truncate(Path path) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(file.length() / 2);
        }
    }
}
