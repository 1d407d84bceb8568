package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import io.fathom.average.WeightedMean;
import io.fathom.config.RunConfig;
import io.fathom.engine.Engines;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.program.Program;
import io.fathom.program.Programs;
import io.fathom.train.CapacitySchedule;
import io.fathom.train.LocalRound;
import io.fathom.train.LocalTrainer;
import io.fathom.train.Moments;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs whose capacity falls: stages 1, 0.75, 0.5, of two rounds each but the last. */
class CapacityScheduleRunTest {
    @TempDir
    Path directory;

    private static RunConfig config() {
        return TinyRun.config(
                "train.workers", "2",
                "train.rounds", "6",
                "train.checkpoint.everyRounds", "1",
                "train.checkpoint.keep", "9",
                "train.capacitySchedule.rounds", "4",
                "train.capacitySchedule.stages", "2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"local[1]", "local[2]"})
    void equalsSessionsOfEachCapacityOneAfterTheOther(String master) throws IOException {
        RunConfig config = config();
        TrainingSummary summary;
        try (JavaSparkContext spark = TinyRun.spark(master)) {
            summary = TinyRun.train(spark, config, directory, false);
        }
        WorkerTools tools = TinyRun.tools(config);
        float[] theta = ParameterLayout.of(tools.spec()).initial(tools.spec(), config.seed());
        List<Moments> moments = new ArrayList<>(List.of(Moments.zero(theta.length), Moments.zero(theta.length)));
        double flops = 0;
        for (int round = 0; round < 6; round++) {
            ModelSpec spec = tools.spec().withCapacity(round < 2 ? 1 : round < 4 ? 0.75 : 0.5);
            Program program = Programs.training(spec, 4);
            WeightedMean mean = new WeightedMean(theta.length);
            try (Session session = Engines.named("cpu").open(program, SessionOptions.DEFAULT)) {
                for (int worker = 0; worker < 2; worker++) {
                    LocalRound one = new LocalTrainer(session, tools.optimization())
                            .train(
                                    tools.trainingBatches()::batch,
                                    worker,
                                    2L * round,
                                    LocalTrainer.Limits.steps(2),
                                    theta,
                                    moments.get(worker));
                    moments.set(worker, one.moments());
                    mean.add(one.parameters(), one.means().tokens());
                }
            }
            theta = mean.mean();
            flops += 2.0 * 2 * program.flops();
        }
        assertThat(TinyRun.newest(directory).parameters()).isEqualTo(theta);
        assertThat(TinyRun.newest(directory).spec()).isEqualTo(tools.spec());
        assertThat(summary.flops()).isCloseTo(flops, withPercentage(1e-9));
        List<String> metrics = Files.readAllLines(directory.resolve("metrics.jsonl"));
        assertThat(metrics.get(1)).contains("\"capacity\":1.0,");
        assertThat(metrics.get(2)).contains("\"capacity\":0.75,");
        assertThat(metrics.get(4)).contains("\"capacity\":0.5,");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void resumingWithinTheScheduleEqualsARunNeverStopped(int stoppedAfter) throws IOException {
        Path straight = directory.resolve("straight");
        Path broken = directory.resolve("broken");
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, config(), straight, false);
            TinyRun.train(spark, config(), broken, false);
            for (int round = stoppedAfter + 1; round <= 6; round++) {
                Files.delete(broken.resolve("checkpoints/round-00000" + round + "/manifest.json"));
            }
            TinyRun.train(spark, config(), broken, true);
        }
        assertThat(TinyRun.newest(broken).parameters())
                .isEqualTo(TinyRun.newest(straight).parameters());
        assertThat(TinyRun.newest(broken).progress().flops())
                .isEqualTo(TinyRun.newest(straight).progress().flops());
    }

    @Test
    void closesTheSessionOfACapacityBeforeItOpensTheNext() {
        Counted.OPEN.clear();
        Counted.MOST.clear();
        RunConfig config = config();
        try (JavaSparkContext spark = TinyRun.spark("local[1]")) {
            TinyRun.train(
                    spark,
                    config,
                    directory,
                    false,
                    tools -> tools.withEngine(WrappedEngine.source(
                            (sound, options) -> sound.program().training() ? new Counted(sound) : sound)),
                    TrainingRun.codec(TinyRun.spec(config), config.train().encoding()));
        }
        ExecutorSessions.ofThisProcess().close();
        assertThat(Counted.MOST).hasSize(3).allMatch(open -> open == 1);
        assertThat(Counted.OPEN).isEmpty();
    }

    @Test
    void everyEngineTrainsEveryStage() {
        ModelSpec target = TinyRun.spec(config());
        CapacitySchedule schedule = new CapacitySchedule(2, 2);
        for (String engine : List.of("cpu", "nd4j")) {
            for (int round = 1; round <= 3; round++) {
                WorkerTools tools = TinyRun.tools(config()).withSpec(schedule.at(target, round));
                float[] theta = ParameterLayout.of(target).initial(target, 1);
                try (Session session =
                        Engines.named(engine).open(Programs.training(tools.spec(), 4), SessionOptions.DEFAULT)) {
                    LocalRound trained = new LocalTrainer(session, tools.optimization())
                            .train(
                                    tools.trainingBatches()::batch,
                                    0,
                                    0,
                                    LocalTrainer.Limits.steps(1),
                                    theta,
                                    Moments.zero(theta.length));
                    assertThat(trained.means().loss())
                            .as("%s, round %d", engine, round)
                            .isFinite();
                }
            }
        }
    }

    /** Counts the training sessions that are open at once. */
    private static final class Counted extends ForwardingSession {
        static final Set<Counted> OPEN = ConcurrentHashMap.newKeySet();
        static final List<Integer> MOST = new ArrayList<>();

        Counted(Session sound) {
            super(sound);
            OPEN.add(this);
            MOST.add(OPEN.size());
        }

        @Override
        public void close() {
            OPEN.remove(this);
            super.close();
        }
    }
}
