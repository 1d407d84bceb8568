package io.fathom.commands;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.checkpoint.CheckpointStore;
import io.fathom.commands.Command.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.commons.io.FileUtils;
import org.apache.hadoop.conf.Configuration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A training job that is submitted again while it runs, by mistake and on purpose. */
class TwoStartsIT {
    private static final Path RUN = Path.of("target/submitted-twice");

    @Test
    void theSecondIsRefusedUnlessItResumesAndThenTheFirstEnds() throws Exception {
        FileUtils.deleteDirectory(RUN.toFile());
        assertThat(job("prepare").run().exitCode()).isZero();
        Path output = RUN.resolve("first");
        ProcessBuilder builder = new ProcessBuilder(
                        job("train", "--set", "train.rounds=100000").words())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().remove("SPARK_HOME");
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        CheckpointStore store = new CheckpointStore(new Configuration(), RUN.toString());
        Process first = builder.start();
        try {
            Awaitility.await()
                    .atMost(5, TimeUnit.MINUTES)
                    .until(() -> !first.isAlive() || !store.list().isEmpty());
            Result again = job("train").run();
            assertThat(again.exitCode()).isEqualTo(2);
            assertThat(again.errors())
                    .contains(
                            "holds a run already, trained to round",
                            "(process " + first.pid(),
                            "add --resume to take it over, or give another --run");
            assertThat(first.isAlive()).as(Files.readString(output)).isTrue();

            Result resumed = job("train", "--resume").run();
            assertThat(resumed.exitCode()).as(resumed.errors()).isZero();
            assertThat(resumed.output()).contains("takes over from the start of", "(process " + first.pid());
            assertThat(first.waitFor(5, TimeUnit.MINUTES)).isTrue();
            assertThat(first.exitValue()).isEqualTo(2);
            assertThat(Files.readString(output).lines().reduce((a, b) -> b).orElse(""))
                    .startsWith("fathom train: ")
                    .contains("was taken over by the start of")
                    .endsWith("go on with --resume");
        } finally {
            first.destroyForcibly();
        }
    }

    private static Command job(String name, String... more) {
        List<String> words = new ArrayList<>(List.of(
                "./submit.sh",
                name,
                "--config",
                "src/test/resources/commands/tiny-demo.conf",
                "--run",
                RUN.toString()));
        words.addAll(List.of(more));
        return Command.of(words.toArray(String[]::new));
    }
}
