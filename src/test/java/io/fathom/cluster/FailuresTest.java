package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.config.RunConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real processes are killed; what comes out must be what comes out without. */
class FailuresTest {
    private static final String[] SETTINGS = {
        "train.workers",
        "3",
        "train.rounds",
        "6",
        "train.checkpoint.everyRounds",
        "4",
        "train.validation.everyRounds",
        "2"
    };

    @TempDir
    Path directory;

    /** Signal 9 in the middle of round 2, for its second attempt too, then while averaging and while evaluating. */
    @Test
    void killedExecutorsDoNotChangeTheResult() throws Exception {
        String faults = "TRAINING:3:KILL,TRAINING:3:KILL,AVERAGING:8:KILL,EVALUATION:3:KILL";
        Path faulty = directory.resolve("faulty");
        Process driver = driver("local-cluster[2,2,1024]", faulty, faults, false);
        assertThat(driver.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(driver.exitValue()).as(output()).isZero();
        for (int i = 0; i < 4; i++) {
            assertThat(directory.resolve("plan/struck-" + i)).as(faults).exists();
        }
        assertThat(TinyRun.newest(faulty).parameters()).isEqualTo(undisturbed());
    }

    private float[] undisturbed() {
        RunConfig config = TinyRun.config(SETTINGS);
        Path straight = directory.resolve("straight");
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            TinyRun.train(spark, config, straight, false);
        }
        return TinyRun.newest(straight).parameters();
    }

    private Process driver(String master, Path run, String faults, boolean resume) throws Exception {
        Path plan = Files.createDirectories(directory.resolve("plan"));
        List<String> arguments =
                new ArrayList<>(List.of(master, run.toString(), plan.toString(), Boolean.toString(resume), faults));
        arguments.addAll(List.of(SETTINGS));
        return Processes.start(directory, FaultyDriver.class, arguments);
    }

    private String output() throws Exception {
        List<String> lines = Files.readAllLines(directory.resolve("output"));
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size()));
    }
}
