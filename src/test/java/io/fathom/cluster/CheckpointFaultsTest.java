package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.checkpoint.CheckpointStore;
import io.fathom.config.RunConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a run makes of checkpoints that cannot be written, or are no longer what was written. */
class CheckpointFaultsTest {
    private static final RunConfig CONFIG = TinyRun.config(
            "train.rounds",
            "6",
            "train.checkpoint.everyRounds",
            "2",
            "train.checkpoint.keep",
            "2",
            "train.outer.kind",
            "nesterov");

    @TempDir
    Path directory;

    /** Of the driver's files and of a worker's. */
    @ParameterizedTest
    @ValueSource(strings = {"parameters", "outer", "worker-001.moments"})
    void aDiskThatFillsUpEndsTheRunAndHarmsNothing(String file) throws IOException {
        Path run = directory.resolve("run");
        List<String> settings = FaultyFileSystem.settings(
                directory.resolve("struck"), FaultPlan.Kind.THROW, ".*round-000004.*" + file + ".*");
        try (JavaSparkContext spark = TinyRun.spark("local[2]", settings.toArray(String[]::new))) {
            assertThatThrownBy(() -> TinyRun.train(spark, CONFIG, "faulty:" + run, false, Progress.silent()))
                    .hasMessageContaining(file)
                    .hasMessageContaining("No space left on device")
                    .hasMessageContaining("earlier checkpoints are intact");
            assertThat(store(run).list()).containsExactly(2);
            // Room was made: the disk strikes but once.
            TinyRun.train(spark, CONFIG, "faulty:" + run, true, Progress.silent());
            assertSameAsUndisturbed(spark, run);
            assertThat(run.resolve("checkpoints")).as("no half files").isDirectoryNotContaining("glob:**.writing");
        }
    }

    @Test
    void aCorruptNewestCheckpointIsToldAndPassedOver() throws IOException {
        Path run = directory.resolve("run");
        List<String> said = new ArrayList<>();
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, CONFIG, run, false);
            assertThat(store(run).list()).containsExactly(4, 6);
            Path moments = run.resolve("checkpoints/round-000006/worker-000.moments");
            byte[] bytes = Files.readAllBytes(moments);
            bytes[bytes.length / 2] ^= 4;
            Files.write(moments, bytes);
            TinyRun.train(spark, CONFIG, run.toString(), true, new Progress() {
                @Override
                public void round(RoundMetrics metrics, int rounds, double secondsLeft) {}

                @Override
                public void say(String line) {
                    said.add(line);
                }
            });
            assertThat(said)
                    .anySatisfy(line -> assertThat(line).contains("the checkpoints of rounds [6] are not what was"))
                    .anySatisfy(line -> assertThat(line).endsWith("going on after round 4"));
            assertSameAsUndisturbed(spark, run);
        }
    }

    private void assertSameAsUndisturbed(JavaSparkContext spark, Path run) throws IOException {
        Path straight = directory.resolve("straight");
        TinyRun.train(spark, CONFIG, straight, false);
        for (String file : List.of("parameters", "outer", "worker-000.moments", "worker-001.moments")) {
            Path last = Path.of("checkpoints/round-000006", file);
            assertThat(run.resolve(last)).hasSameBinaryContentAs(straight.resolve(last));
        }
        try (Stream<String> lines = Files.lines(run.resolve("metrics.jsonl"))) {
            assertThat(lines).hasSize(6);
        }
    }

    private static CheckpointStore store(Path run) {
        return new CheckpointStore(new Configuration(), run.toString());
    }
}
