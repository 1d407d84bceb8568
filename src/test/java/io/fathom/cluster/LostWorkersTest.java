package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.cluster.FaultPlan.Fault;
import io.fathom.cluster.FaultPlan.Kind;
import io.fathom.cluster.FaultPlan.Place;
import io.fathom.config.RunConfig;
import io.fathom.engine.Session;
import io.fathom.model.ParameterLayout;
import io.fathom.train.LocalRound;
import io.fathom.train.LocalTrainer;
import io.fathom.train.Moments;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workers whose moments an executor no longer has are trained again, and nobody can tell. */
class LostWorkersTest {
    @TempDir
    Path directory;

    /** Forgets all moments after some rounds. */
    private record Forgetful(List<Integer> rounds) implements Progress {
        @Override
        public void round(RoundMetrics metrics, int of, double secondsLeft) {
            if (rounds.contains(metrics.round())) {
                assertThat(ResidentMoments.ofThisProcess().count()).isPositive();
                ResidentMoments.ofThisProcess().close();
            }
        }

        @Override
        public void say(String line) {}
    }

    private Checkpoint train(RunConfig config, String name, List<Integer> forgotten, FaultPlan plan) {
        Path run = directory.resolve(name);
        try (JavaSparkContext spark = TinyRun.spark("local[1]")) {
            TinyRun.train(
                    spark,
                    config,
                    run.toString(),
                    false,
                    plan.faults().isEmpty() ? UnaryOperator.identity() : plan::applyTo,
                    plan.codec(),
                    new Forgetful(forgotten));
        }
        return TinyRun.newest(run);
    }

    private FaultPlan plan(String name, Fault... faults) throws IOException {
        return new FaultPlan(Files.createDirectories(directory.resolve(name)), faults);
    }

    /** After a checkpoint, two rounds later, and through a change of the capacity. */
    @Test
    void theSameBitsWhereverTheyAreLost() throws IOException {
        RunConfig config = TinyRun.config(
                "train.workers", "3",
                "train.rounds", "8",
                "train.checkpoint.everyRounds", "3",
                "train.capacitySchedule.rounds", "4",
                "train.capacitySchedule.stages", "2",
                "train.outer.kind", "nesterov");
        Checkpoint straight = train(config, "straight", List.of(), plan("none"));
        Checkpoint lost = train(config, "lost", List.of(2, 3, 5, 7), plan("none"));
        assertThat(lost.parameters()).isEqualTo(straight.parameters());
        assertThat(lost.velocity()).isPresent();
        assertThat(Files.readAllBytes(directory.resolve("lost/checkpoints/round-000008/worker-002.moments")))
                .isEqualTo(
                        Files.readAllBytes(directory.resolve("straight/checkpoints/round-000008/worker-002.moments")));
    }

    /** A round in which a worker failed is passed over when it is trained again, though it would not fail now. */
    @Test
    void aFailureStaysAFailure() throws IOException {
        RunConfig config = TinyRun.config(
                "train.workers", "2",
                "train.rounds", "4",
                "train.checkpoint.everyRounds", "100",
                "train.toleratedFailures", "1");
        Checkpoint once = train(config, "once", List.of(), plan("a", new Fault(Place.TRAINING, 3, Kind.NAN)));
        Checkpoint again = train(config, "again", List.of(3), plan("b", new Fault(Place.TRAINING, 3, Kind.NAN)));
        assertThat(Files.readAllLines(directory.resolve("again/metrics.jsonl")).get(1))
                .contains("\"rejected\":[0]");
        assertThat(again.parameters()).isEqualTo(once.parameters());
        assertThat(again.progress().steps()).containsExactly(8L, 8L);
    }

    /** Time ended the rounds; made again they have as many steps, however fast the machine is then. */
    @Test
    void roundsThatTimeEndedAreMadeAgainStepByStep() throws IOException {
        RunConfig config = TinyRun.config(
                "train.workers", "1",
                "train.rounds", "3",
                "train.localSteps", "300",
                "train.roundSeconds", "0.02",
                "train.checkpoint.everyRounds", "100");
        Checkpoint lost = train(config, "timed", List.of(2), plan("none"));
        int steps = Math.toIntExact(lost.progress().steps().get(0));
        WorkerTools tools = TinyRun.tools(config);
        float[] initial = ParameterLayout.of(tools.spec()).initial(tools.spec(), config.seed());
        try (Session session = tools.openTraining(0)) {
            LocalRound alone = new LocalTrainer(session, tools.optimization())
                    .train(
                            tools.trainingBatches()::batch,
                            0,
                            0,
                            LocalTrainer.Limits.steps(steps),
                            initial,
                            Moments.zero(initial.length));
            assertThat(lost.parameters()).isEqualTo(alone.parameters());
        }
    }
}
