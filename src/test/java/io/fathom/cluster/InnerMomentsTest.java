package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.average.WeightedMean;
import io.fathom.checkpoint.Checkpoint;
import io.fathom.config.RunConfig;
import io.fathom.config.TrainConfig.InnerMoments;
import io.fathom.config.UserError;
import io.fathom.engine.Session;
import io.fathom.model.ParameterLayout;
import io.fathom.train.LocalRound;
import io.fathom.train.LocalTrainer;
import io.fathom.train.Moments;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What becomes of the moments between rounds. */
class InnerMomentsTest {
    private static final int STEPS = 2;

    @TempDir
    Path directory;

    /** The rate is constant, so that a round of moments that are reset is the beginning of a run. */
    private static RunConfig config(InnerMoments moments, String... settings) {
        String[] all = {
            "train.workers", "3",
            "train.rounds", "4",
            "train.localSteps", Integer.toString(STEPS),
            "train.learningRate.warmupSteps", "0",
            "train.learningRate.peak", "0.01",
            "train.learningRate.floor", "0.01",
            "train.adamw.moments", moments.name().toLowerCase(Locale.ROOT)
        };
        String[] joined = new String[all.length + settings.length];
        System.arraycopy(all, 0, joined, 0, all.length);
        System.arraycopy(settings, 0, joined, all.length, settings.length);
        return TinyRun.config(joined);
    }

    @ParameterizedTest
    @EnumSource(names = {"AVERAGE", "RESET"})
    void roundsEqualASequentialSimulationBitForBit(InnerMoments kind) throws IOException {
        RunConfig config = config(kind);
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, config, directory, false);
        }
        Checkpoint trained = TinyRun.newest(directory);
        // The trainer's own way of counting steps is not used: each round of RESET is run as a beginning.
        WorkerTools tools = TinyRun.tools(config(InnerMoments.LOCAL));
        float[] theta = ParameterLayout.of(tools.spec()).initial(tools.spec(), config.seed());
        Moments moments = Moments.zero(theta.length);
        try (Session session = tools.openTraining(0)) {
            LocalTrainer trainer = new LocalTrainer(session, tools.optimization());
            for (int round = 0; round < 4; round++) {
                long before = (long) STEPS * round;
                WeightedMean[] means = new WeightedMean[3];
                for (int i = 0; i < 3; i++) {
                    means[i] = new WeightedMean(theta.length);
                }
                for (int worker = 0; worker < 3; worker++) {
                    LocalRound one = kind == InnerMoments.RESET
                            ? trainer.train(
                                    (w, step) -> tools.trainingBatches().batch(w, before + step),
                                    worker,
                                    0,
                                    LocalTrainer.Limits.steps(STEPS),
                                    theta,
                                    Moments.zero(theta.length))
                            : trainer.train(
                                    tools.trainingBatches()::batch,
                                    worker,
                                    before,
                                    LocalTrainer.Limits.steps(STEPS),
                                    theta,
                                    moments);
                    means[0].add(one.parameters(), one.means().tokens());
                    means[1].add(one.moments().first(), one.means().tokens());
                    means[2].add(one.moments().second(), one.means().tokens());
                }
                theta = means[0].mean();
                moments = new Moments(means[1].mean(), means[2].mean());
            }
        }
        assertThat(trained.parameters()).isEqualTo(theta);
        assertThat(trained.moments().isPresent()).isEqualTo(kind == InnerMoments.AVERAGE);
        if (kind == InnerMoments.AVERAGE) {
            assertThat(trained.moments().orElseThrow().first()).isEqualTo(moments.first());
            assertThat(trained.moments().orElseThrow().second()).isEqualTo(moments.second());
        }
        long vector = 4L * theta.length;
        long vectors = kind == InnerMoments.AVERAGE ? 3 : 1;
        assertThat(Files.readAllLines(directory.resolve("metrics.jsonl")).get(3))
                .contains("\"bytesUp\":" + 3 * vectors * vector + ",")
                .contains("\"bytesDown\":" + 2 * vectors * vector + ",");
    }

    @ParameterizedTest
    @EnumSource
    void resumingEqualsAnUninterruptedRunBitForBit(InnerMoments kind) throws IOException {
        RunConfig config = config(kind, "train.checkpoint.everyRounds", "1");
        Path run = directory.resolve("run");
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, config, run, false);
            float[] straight = TinyRun.newest(run).parameters();
            Files.delete(run.resolve("checkpoints/round-000004/manifest.json"));
            Files.delete(run.resolve("checkpoints/round-000003/manifest.json"));
            assertThat(TinyRun.newest(run).round()).isEqualTo(2);
            TinyRun.train(spark, config, run, true);
            assertThat(TinyRun.newest(run).parameters()).isEqualTo(straight);
        }
    }

    @Test
    void anotherKindThanTheCheckpointsIsToldWithTheRemedy() {
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            for (InnerMoments kind : InnerMoments.values()) {
                Path run = directory.resolve(kind.name());
                TinyRun.train(spark, config(kind, "train.rounds", "1"), run, false);
                InnerMoments other = kind == InnerMoments.RESET ? InnerMoments.LOCAL : InnerMoments.RESET;
                assertThatThrownBy(() -> TinyRun.train(spark, config(other), run, true))
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining("train.adamw.moments = "
                                + kind.name().toLowerCase(Locale.ROOT) + ", the configuration says "
                                + other.name().toLowerCase(Locale.ROOT));
            }
        }
    }
}
