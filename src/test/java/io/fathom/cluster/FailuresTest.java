package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.config.RunConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaSparkContext;
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
            "1",
            "train.outer.kind",
            "nesterov",
            "train.validation.everyRounds",
            "2");

    private static final Pattern LOSSES =
            Pattern.compile("\"(round|tokens|loss|ce|aux|pred|gradNorm|validationLoss)\":[^,}]+");

    private static final int KILLED = 128 + 9;

    @TempDir
    Path directory;

    /**
     * Signal 9 in the middle of round 2, for its second attempt too, then while averaging and while evaluating: with
     * authentication, encryption on the wire and on disk, Kryo and dynamic allocation, on GPUs of a script.
     */
    @Test
    void killedExecutorsDoNotChangeTheResult() throws Exception {
        String faults = "TRAINING:3:KILL,TRAINING:3:KILL,AVERAGING:8:KILL,EVALUATION:3:KILL";
        Path faulty = directory.resolve("faulty");
        assertThat(driver("local-cluster[2,2,1024]", faulty.toString(), faults, "none"))
                .as(output())
                .isZero();
        for (int i = 0; i < 4; i++) {
            assertThat(directory.resolve("plan/struck-" + i)).as(faults).exists();
        }
        assertThat(directory.resolve("plan/device-1"))
                .as("tasks use the GPUs Spark gives them")
                .exists();
        assertThat(TinyRun.newest(faulty).parameters()).isEqualTo(undisturbed());
        assertThat(losses(faulty)).hasSize(4).isEqualTo(losses(directory.resolve("straight")));
        assertThat(losses(faulty).get(3)).contains("validationLoss");
    }

    /** The driver is killed in a step, then in the middle of a checkpoint, and gone on with to the end. */
    @Test
    void aKilledDriverGoesOnWithTheSameResult() throws Exception {
        Path run = directory.resolve("faulty");
        String faults = "TRAINING:5:KILL";
        String file = ".*round-000003.*parameters.*";
        assertThat(driver("local[2]", "faulty:" + run, faults, file))
                .as(output())
                .isEqualTo(KILLED);
        assertThat(directory.resolve("plan/struck-0")).exists();
        assertThat(driver("local[2]", "faulty:" + run, faults, file))
                .as(output())
                .isEqualTo(KILLED);
        assertThat(directory.resolve("plan/file")).exists();
        assertThat(run.resolve("checkpoints"))
                .as("half a checkpoint")
                .isDirectoryContaining("glob:**/.round-000003.*.writing");

        RunConfig config = TinyRun.config(SHORT.toArray(String[]::new));
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, config, run, true);
        }
        assertThat(TinyRun.newest(run).parameters()).isEqualTo(undisturbed());
        assertThat(run.resolve("checkpoints")).as("nothing half").isDirectoryNotContaining("glob:**.writing");
        assertThat(losses(run)).hasSize(4).isEqualTo(losses(directory.resolve("straight")));
    }

    /** What a run told of each round that must not depend on what happened to it. */
    private static List<String> losses(Path run) throws IOException {
        return Files.readAllLines(run.resolve("metrics.jsonl")).stream()
                .map(line ->
                        LOSSES.matcher(line).results().map(MatchResult::group).collect(Collectors.joining(",")))
                .toList();
    }

    private float[] undisturbed() {
        RunConfig config = TinyRun.config(SHORT.toArray(String[]::new));
        Path straight = directory.resolve("straight");
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, config, straight, false);
        }
        return TinyRun.newest(straight).parameters();
    }

    /** Runs a driver to its end and gives its exit code. */
    private int driver(String master, String run, String faults, String file) throws Exception {
        Path plan = Files.createDirectories(directory.resolve("plan"));
        List<String> arguments = new ArrayList<>(List.of(master, run, plan.toString(), faults, file));
        arguments.addAll(SHORT);
        Process driver = Processes.start(directory, FaultyDriver.class, arguments);
        boolean ended = driver.waitFor(5, TimeUnit.MINUTES);
        driver.destroyForcibly().waitFor();
        assertThat(ended).as("not hanging:%n%s", output()).isTrue();
        return driver.exitValue();
    }

    private String output() throws Exception {
        List<String> lines = Files.readAllLines(directory.resolve("output"));
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size()));
    }
}
