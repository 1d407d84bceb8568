package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.checkpoint.CheckpointStore;
import io.fathom.checkpoint.Claim;
import io.fathom.checkpoint.OvertakenException;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.checkpoint.Start;
import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two starts of training in one run directory: the newer goes on, the older is told and ends. */
class TwoStartsTest {
    private static final String[] SETTINGS = {
        "train.rounds", "7", "train.checkpoint.everyRounds", "2", "train.outer.kind", "nesterov"
    };
    private static final RunConfig CONFIG = TinyRun.config(SETTINGS);

    @TempDir
    Path directory;

    /** Tells of the end of each round; {@code then} happens once, after round {@code at}. */
    private record Meanwhile(int at, Runnable then, List<String> said) implements Progress {
        @Override
        public void round(RoundMetrics metrics, int rounds, double secondsLeft) {
            if (metrics.round() == at) {
                then.run();
            }
        }

        @Override
        public void say(String line) {
            said.add(line);
        }
    }

    /**
     * The newer comes before the older's first checkpoint, after one, between two, and has trained when that goes on.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void theNewerEndsAsIfAloneAndTheOlderWritesNoMore(int round) throws IOException {
        Path run = directory.resolve("run");
        List<String> said = new ArrayList<>();
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            Runnable newer = () -> TinyRun.train(spark, CONFIG, run.toString(), true, new Meanwhile(0, () -> {}, said));
            assertThatThrownBy(() -> TinyRun.train(
                            spark, CONFIG, run.toString(), false, new Meanwhile(round, newer, new ArrayList<>())))
                    .isInstanceOf(OvertakenException.class)
                    .hasMessageContaining("was taken over by the start of")
                    .hasMessageContaining(spark.sc().applicationId());
            assertThat(said.get(0)).contains("takes over from the start of", "ends where it would write next");
            assertAsUndisturbed(spark, run);
        }
        assertThat(Claim.unended(new RunDirectory(new Configuration(), run.toString())))
                .as("the newer has ended")
                .isEmpty();
    }

    /** A process that trains on and on is overtaken by this one, which goes on until it has seen that one end. */
    @Test
    void anOlderProcessEndsByItselfWhileTheNewerTrains() throws Exception {
        Path run = directory.resolve("run");
        String[] endless = SETTINGS.clone();
        endless[1] = "100000";
        List<String> arguments = new ArrayList<>(List.of("local[1]", run.toString(), directory.toString(), "", "none"));
        arguments.addAll(List.of(endless));
        Process older = Processes.start(directory, FaultyDriver.class, arguments);
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            Awaitility.await()
                    .atMost(5, TimeUnit.MINUTES)
                    .until(() -> !older.isAlive() || !store(run).list().isEmpty());
            int reached = train(spark, endless, run, true, round -> !older.isAlive());
            assertThat(Files.readString(directory.resolve("output")))
                    .contains("OvertakenException: file:" + run + ": was taken over by the start of")
                    .contains("(process " + ProcessHandle.current().pid());
            Path straight = directory.resolve("straight");
            assertThat(train(spark, endless, straight, false, round -> round == reached))
                    .isEqualTo(reached);
            assertSame(run, straight, reached);
        } finally {
            older.destroyForcibly();
        }
    }

    /** Trains until a round is saved when {@code enough} says so; gives that round. */
    private static int train(JavaSparkContext spark, String[] settings, Path run, boolean resume, IntPredicate enough) {
        int[] reached = {0};
        IllegalStateException stop = new IllegalStateException("enough");
        Progress progress = new Progress() {
            @Override
            public void round(RoundMetrics metrics, int rounds, double secondsLeft) {
                if (metrics.round() % 2 == 0 && enough.test(metrics.round())) {
                    reached[0] = metrics.round();
                    throw stop;
                }
            }

            @Override
            public void say(String line) {}
        };
        assertThatThrownBy(() -> TinyRun.train(spark, TinyRun.config(settings), run.toString(), resume, progress))
                .isSameAs(stop);
        return reached[0];
    }

    private void assertAsUndisturbed(JavaSparkContext spark, Path run) throws IOException {
        Path straight = directory.resolve("straight");
        TinyRun.train(spark, CONFIG, straight, false);
        assertSame(run, straight, 7);
        CheckpointStore store = store(run);
        assertThat(store.list()).containsExactly(4, 6, 7).allSatisfy(store::verify);
    }

    private static void assertSame(Path run, Path straight, int round) throws IOException {
        for (String file : List.of("parameters", "outer", "worker-000.moments", "worker-001.moments")) {
            Path last = Path.of("checkpoints", String.format("round-%06d", round), file);
            assertThat(run.resolve(last)).hasSameBinaryContentAs(straight.resolve(last));
        }
        List<String> lines = Files.readAllLines(run.resolve("metrics.jsonl"));
        assertThat(lines).hasSize(round);
        for (int i = 0; i < round; i++) {
            assertThat(lines.get(i)).contains("\"round\":" + (i + 1) + ",");
        }
        assertThat(run.resolve("checkpoints")).isDirectoryNotContaining("glob:**.writing");
    }

    @Test
    void withoutResumeNobodyIsTakenOver() throws IOException {
        Path path = directory.resolve("run");
        RunDirectory run = new RunDirectory(new Configuration(), path.toString());
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            // Whoever has it has saved nothing yet, or was killed before it could.
            Claim other = Claim.take(run, Start.now("local-1"));
            assertThatThrownBy(() -> TinyRun.train(spark, CONFIG, path, false))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("holds a run already, of which nothing is saved, by the start of")
                    .hasMessageContaining("add --resume to take it over, or give another --run");
            other.check();
            other.close();
            TinyRun.train(spark, CONFIG, path, false);
            Claim.take(run, Start.now("local-2"));
            assertThatThrownBy(() -> TinyRun.train(spark, CONFIG, path, false))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("trained to round 7, by the start of")
                    .hasMessageContaining("local-2");
        }
    }

    @Test
    void whoCannotGoOnWithARunEndsNobody() {
        Path path = directory.resolve("run");
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, CONFIG, path, false);
            RunDirectory run = new RunDirectory(new Configuration(), path.toString());
            Claim other = Claim.take(run, Start.now("local-1"));
            assertThatThrownBy(() -> TinyRun.train(spark, TinyRun.config("model.width", "32"), path, true))
                    .hasMessageContaining("another model");
            assertThatThrownBy(() -> TinyRun.train(spark, TinyRun.config("train.workers", "3"), path, true))
                    .hasMessageContaining("train.workers = 2, the configuration says 3");
            other.check();
        }
    }

    @Test
    void aStartThatFailsBeforeItSavesLeavesTheRunFree() {
        RunConfig config = TinyRun.config("train.learningRate.peak", "1e30");
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            assertThatThrownBy(() -> TinyRun.train(spark, config, directory, false))
                    .hasMessageContaining("round 1, worker 0");
            TinyRun.train(spark, CONFIG, directory, false);
        }
    }

    private static CheckpointStore store(Path run) {
        return new CheckpointStore(new Configuration(), run.toString());
    }
}
