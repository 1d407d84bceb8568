package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.checkpoint.CheckpointStore;
import io.fathom.config.RunConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real processes are killed; what comes out must be what comes out without. */
class FailuresTest {
    private static final List<String> SHORT = List.of(
            "train.workers",
            "3",
            "train.rounds",
            "4",
            "train.checkpoint.everyRounds",
            "3",
            "train.validation.everyRounds",
            "2");

    private static final List<String> LONG =
            List.of("train.rounds", "40", "train.checkpoint.everyRounds", "2", "train.outer.kind", "nesterov");

    @TempDir
    Path directory;

    /** Signal 9 in the middle of round 2, for its second attempt too, then while averaging and while evaluating. */
    @Test
    void killedExecutorsDoNotChangeTheResult() throws Exception {
        String faults = "TRAINING:3:KILL,TRAINING:3:KILL,AVERAGING:8:KILL,EVALUATION:3:KILL";
        Path faulty = directory.resolve("faulty");
        Process driver = driver("local-cluster[2,2,1024]", faulty, faults, false, SHORT);
        assertThat(driver.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(driver.exitValue()).as(output()).isZero();
        for (int i = 0; i < 4; i++) {
            assertThat(directory.resolve("plan/struck-" + i)).as(faults).exists();
        }
        assertThat(directory.resolve("plan/device-1"))
                .as("tasks use the GPUs Spark gives them")
                .exists();
        assertThat(TinyRun.newest(faulty).parameters()).isEqualTo(undisturbed(SHORT));
    }

    /** The driver is killed with signal 9, gone on with, asked to end with SIGTERM, and gone on with to the end. */
    @Test
    void aKilledDriverGoesOnWithTheSameResult() throws Exception {
        Path run = directory.resolve("faulty");
        Process killed = driver("local[2]", run, "", false, LONG);
        awaitCheckpoint(killed, run, 6);
        killed.destroyForcibly();
        assertThat(killed.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(killed.exitValue()).isEqualTo(137);
        int reached = TinyRun.newest(run).round();
        assertThat(reached).isBetween(6, 39);

        Process asked = driver("local[2]", run, "", true, LONG);
        awaitCheckpoint(asked, run, reached + 4);
        asked.destroy();
        assertThat(asked.waitFor(40, TimeUnit.SECONDS)).isTrue();
        assertThat(asked.exitValue()).as(output()).isEqualTo(143);
        assertThat(output()).contains("STOPPED: stopped after round").contains("which is saved");
        assertThat(run.resolve("checkpoints")).as("nothing half").isDirectoryNotContaining("glob:**.writing");

        RunConfig config = TinyRun.config(LONG.toArray(String[]::new));
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, config, run, true);
        }
        assertThat(TinyRun.newest(run).parameters()).isEqualTo(undisturbed(LONG));
        assertThat(Files.readAllLines(run.resolve("metrics.jsonl"))).hasSize(40);
    }

    private void awaitCheckpoint(Process driver, Path run, int round) {
        CheckpointStore store = new CheckpointStore(new Configuration(), run.toString());
        Awaitility.await()
                .atMost(60, TimeUnit.SECONDS)
                .pollInterval(50, TimeUnit.MILLISECONDS)
                .until(() -> !driver.isAlive() || store.list().stream().anyMatch(there -> there >= round));
    }

    private float[] undisturbed(List<String> settings) {
        RunConfig config = TinyRun.config(settings.toArray(String[]::new));
        Path straight = directory.resolve("straight");
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, config, straight, false);
        }
        return TinyRun.newest(straight).parameters();
    }

    private Process driver(String master, Path run, String faults, boolean resume, List<String> settings)
            throws Exception {
        Path plan = Files.createDirectories(directory.resolve("plan"));
        List<String> arguments =
                new ArrayList<>(List.of(master, run.toString(), plan.toString(), Boolean.toString(resume), faults));
        arguments.addAll(settings);
        return Processes.start(directory, FaultyDriver.class, arguments);
    }

    private String output() throws Exception {
        List<String> lines = Files.readAllLines(directory.resolve("output"));
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size()));
    }
}
