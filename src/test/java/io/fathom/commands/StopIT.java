package io.fathom.commands;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointWriter;
import io.fathom.checkpoint.Claim;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.checkpoint.Start;
import io.fathom.checkpoint.TrainingProgress;
import io.fathom.corpus.Tokenizer;
import io.fathom.corpus.Tokenizers;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.apache.hadoop.conf.Configuration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Jobs that are told to stop, by Ctrl-C and by SIGTERM, as the README says they take that. */
class StopIT {
    private static final Path RUN = Path.of("target/stopped");
    private static final Path ENDLESS = Path.of("target/endless");
    private static final Path METRICS = RUN.resolve("metrics.jsonl");
    private static final int EVERY = 100;
    private static final List<String> JOB = List.of(
            "--config",
            "src/test/resources/commands/tiny-demo.conf",
            "--run",
            RUN.toString(),
            "--set",
            "train.rounds=100000",
            "--set",
            "train.checkpoint.everyRounds=" + EVERY,
            "--set",
            "train.checkpoint.keep=100000",
            "--set",
            "train.validation.everyRounds=100000");

    @Test
    void aSignalEndsTheRoundSavesItAndIsTheExitCode() throws Exception {
        FileUtils.deleteDirectory(RUN.toFile());
        assertThat(job("prepare").run().exitCode()).isZero();
        int reached = stop("INT", 2);
        stop("TERM", 15, "--resume");
        assertThat(lastRound()).isGreaterThan(reached);
        int last = lastRound();
        // A fast machine makes more rounds than a slow one before the signal comes.
        assertThat(saved())
                .as("nothing else, and nothing half")
                .containsExactlyElementsOf(IntStream.rangeClosed(1, last)
                        .filter(round -> round == reached || round == last || round % EVERY == 0)
                        .mapToObj(StopIT::name)
                        .toList());
    }

    @Test
    void aSignalEndsAJobThatHasNothingToSave() throws Exception {
        FileUtils.deleteDirectory(ENDLESS.toFile());
        writeModelWithoutEnd();
        Path text = ENDLESS.resolve("text");
        Command write = Command.of(
                "./submit.sh",
                "generate",
                "--run",
                ENDLESS.toString(),
                "--temperature",
                "0",
                "--max-tokens",
                Integer.toString(Integer.MAX_VALUE));
        assertThat(stopped("INT", text, () -> Files.size(text) > 100, write)).isEqualTo(128 + 2);
        assertThat(text).content().contains("aaaaaaaaaa", "fathom: stopped before the job could end");
    }

    /** Of all tokens it lifts one alone: its text is a, again and again, and the end of a document never comes. */
    private static void writeModelWithoutEnd() {
        Tokenizer bytes = Tokenizers.named("bytes");
        ModelSpec spec = new ModelSpec(bytes.vocabulary(), 16, 8, 2, 2, new Routing.Dense());
        ParameterLayout layout = ParameterLayout.of(spec);
        float[] parameters = new float[layout.size()];
        parameters[layout.tensor("ln_f.bias").offset()] = 1;
        parameters[layout.tensor("wte.weight").offset() + 'a' * spec.width()] = 1;
        RunDirectory run = new RunDirectory(new Configuration(), ENDLESS.toString());
        CheckpointWriter writer = new CheckpointWriter(Claim.take(run, Start.now("")));
        writer.begin(0);
        writer.publish(
                new Checkpoint(spec, parameters, Optional.empty(), new TrainingProgress(0, 1, List.of(), 0, 0, 0)),
                List.of(),
                1);
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
            Awaitility.await().atMost(5, TimeUnit.MINUTES).until(() -> !process.isAlive() || underWay.call());
            assertThat(Command.of("kill", "-" + signal, Long.toString(process.pid()))
                            .run()
                            .exitCode())
                    .as(Files.readString(output))
                    .isZero();
            assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
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
