package io.fathom.commands;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A training job that is told to stop, by Ctrl-C and by SIGTERM, as the README says it takes that. */
class StopIT {
    private static final Path RUN = Path.of("target/stopped");
    private static final Path METRICS = RUN.resolve("metrics.jsonl");
    private static final List<String> JOB = List.of(
            "--config",
            "src/test/resources/commands/tiny-demo.conf",
            "--run",
            RUN.toString(),
            "--set",
            "train.rounds=100000",
            "--set",
            "train.checkpoint.everyRounds=100",
            "--set",
            "train.validation.everyRounds=100000");

    @Test
    void aSignalEndsTheRoundSavesItAndIsTheExitCode() throws Exception {
        FileUtils.deleteDirectory(RUN.toFile());
        assertThat(job("prepare").run(60).exitCode()).isZero();
        int reached = stop("INT", 2);
        stop("TERM", 15, "--resume");
        assertThat(lastRound()).isGreaterThan(reached);
        assertThat(saved()).as("nothing else, and nothing half").containsExactly(name(reached), name(lastRound()));

        Path text = RUN.resolve("text");
        // The likeliest token is never the rare end of a document, which would end the text before the signal.
        Command write = Command.of(
                "./submit.sh", "generate", "--run", RUN.toString(), "--temperature", "0", "--max-tokens", "100000000");
        assertThat(stopped("INT", text, () -> Files.size(text) > 100, write)).isEqualTo(128 + 2);
        assertThat(text).content().contains("fathom: stopped before the job could end");
    }

    /** Starts training, stops it once rounds are made, and gives the round that it had reached. */
    private int stop(String signal, int number, String... more) throws Exception {
        int before = lastRound();
        Path output = RUN.resolve(signal);
        int code = stopped(signal, output, () -> lastRound() > before, job("train", more));
        assertThat(code).as(Files.readString(output)).isEqualTo(128 + number);
        assertThat(Files.readString(output).lines().reduce((a, b) -> b))
                .hasValue("fathom train: stopped after round " + lastRound()
                        + " of 100000, which is saved; go on with --resume");
        assertThat(saved()).contains(name(lastRound()));
        return lastRound();
    }

    /** Starts {@code command}, sends it {@code signal} once it is {@code underWay}, and gives its exit code. */
    private static int stopped(String signal, Path output, Callable<Boolean> underWay, Command command)
            throws Exception {
        // A shell that runs its commands in the background has them ignore Ctrl-C, and they hand that on.
        List<String> words = new ArrayList<>(List.of("env", "--default-signal=INT,TERM"));
        words.addAll(command.words());
        ProcessBuilder builder =
                new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().remove("SPARK_HOME");
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        Process process = builder.start();
        try {
            Awaitility.await().atMost(60, TimeUnit.SECONDS).until(() -> !process.isAlive() || underWay.call());
            assertThat(Command.of("kill", "-" + signal, Long.toString(process.pid()))
                            .run(10)
                            .exitCode())
                    .as(Files.readString(output))
                    .isZero();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        return process.exitValue();
    }

    private static Command job(String name, String... more) {
        List<String> words = new ArrayList<>(List.of("./submit.sh", name));
        words.addAll(JOB);
        words.addAll(List.of(more));
        return Command.of(words.toArray(String[]::new));
    }

    private static int lastRound() throws IOException {
        if (!Files.exists(METRICS)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(METRICS)) {
            return (int) lines.count();
        }
    }

    private static List<String> saved() throws IOException {
        try (Stream<Path> found = Files.list(RUN.resolve("checkpoints"))) {
            return found.map(each -> each.getFileName().toString()).sorted().toList();
        }
    }

    private static String name(int round) {
        return String.format("round-%06d", round);
    }
}
