package io.fathom.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class FathomTest {

    /** A job that does what the test tells it to. */
    @Command(name = "probe")
    static final class Probe implements Callable<Integer> {
        @Mixin
        private JobOptions options = new JobOptions();

        private @Nullable Throwable failure;
        private @Nullable RunConfig seen;

        @Override
        public Integer call() throws Exception {
            seen = options.config();
            if (failure instanceof Error error) {
                throw error;
            }
            if (failure != null) {
                throw (Exception) failure;
            }
            return 0;
        }
    }

    private final Probe probe = new Probe();
    private final Failures failures = new Failures();
    private final StringWriter errors = new StringWriter();

    private int run(String... arguments) {
        CommandLine line = Fathom.commandLine(failures).addSubcommand(probe);
        line.setErr(new PrintWriter(errors, true));
        line.getSubcommands().values().forEach(job -> job.setErr(new PrintWriter(errors, true)));
        return line.execute(arguments);
    }

    @Test
    void jobOptionsAreFrozen() {
        assertThat(new CommandLine(new Probe()).getCommandSpec().optionsMap().keySet())
                .as("new knobs belong in the configuration")
                .containsExactlyInAnyOrder("--run", "--config", "--set", "--verbose", "--help", "-h");
    }

    @Test
    void anUnknownJobNamesTheJobsThereAre() {
        assertThat(run("prob")).isEqualTo(2);
        assertThat(errors.toString()).startsWith("fathom: there is no job prob; did you mean probe? The jobs are ");
        assertThat(errors.toString().strip()).hasLineCount(1);
    }

    @Test
    void anUnknownOptionIsOneLine() {
        assertThat(run("probe", "--rnu", "x")).isEqualTo(2);
        assertThat(errors.toString().strip())
                .hasLineCount(1)
                .startsWith("fathom probe: unknown option")
                .contains("--rnu")
                .endsWith("see fathom probe --help");
    }

    @Test
    void aSettingWithoutValueIsOneLine() {
        assertThat(run("probe", "--set", "seed")).isEqualTo(2);
        assertThat(errors.toString().strip()).hasLineCount(1).contains("KEY=VALUE");
    }

    @Test
    void aUserErrorIsItsMessageAlone() {
        probe.failure = new IllegalStateException("outer", new UserError("corpus.path = x: no corpus; run prepare"));
        assertThat(run("probe")).isEqualTo(2);
        assertThat(errors.toString())
                .isEqualToIgnoringNewLines("fathom probe: corpus.path = x: no corpus; run prepare");
        assertThat(failures.told()).isEqualTo("fathom probe: corpus.path = x: no corpus; run prepare");
    }

    @Test
    void anotherFailureNamesItsRootAndVerboseShowsTheTrace() {
        probe.failure = new IllegalStateException("outer", new ArithmeticException("by zero"));
        assertThat(run("probe")).isEqualTo(1);
        assertThat(errors.toString())
                .isEqualToIgnoringNewLines("fathom probe: failed: ArithmeticException: by zero; run again with"
                        + " --verbose for the stack trace");
        assertThat(run("probe", "--verbose")).isEqualTo(1);
        assertThat(errors.toString()).contains("\tat io.fathom.jobs.FathomTest");
    }

    @Test
    void aFullDiskIsNamed() {
        probe.failure = new IOException("No space left on device");
        assertThat(run("probe")).isEqualTo(1);
        assertThat(errors.toString())
                .startsWith("fathom probe: the disk is full")
                .contains("free some space");
    }

    @Test
    void anErrorIsOneLineAsWell() {
        probe.failure = new OutOfMemoryError("Java heap space");
        assertThat(run("probe")).isEqualTo(1);
        assertThat(errors.toString().strip())
                .hasLineCount(1)
                .startsWith("fathom probe: out of memory")
                .contains("--driver-memory", "train.batch");
    }

    @Test
    void aSparkThatIsGoneIsNamed() {
        probe.failure = new IllegalStateException("Job 3 cancelled because SparkContext was shut down");
        assertThat(run("probe")).isEqualTo(1);
        assertThat(errors.toString().strip())
                .hasLineCount(1)
                .startsWith("fathom probe: Spark ended before the job did")
                .contains("--resume");
    }

    @Test
    void aMissingConnectorIsNamed() {
        probe.failure = new IllegalStateException(
                new ClassNotFoundException("Class org.apache.hadoop.fs.s3a.S3AFileSystem not found"));
        assertThat(run("probe")).isEqualTo(2);
        assertThat(errors.toString().strip())
                .hasLineCount(1)
                .contains("no connector for this kind of path")
                .contains("--packages");
    }

    @Test
    void aHeapThatIsTooSmallForSparkIsNamed() {
        assertThatThrownBy(() -> SparkContexts.requireHeap("the driver's memory", 256L << 20, "--driver-memory"))
                .isInstanceOf(UserError.class)
                .hasMessage("the driver's memory is 256 MiB: Spark needs at least 450 MiB of heap;"
                        + " give --driver-memory 512m or more");
        SparkContexts.requireHeap("the driver's memory", 450L << 20, "--driver-memory");
    }

    /** Lines are broken after dots too, and a key cut in two cannot be copied. */
    @Test
    void helpKeepsKeysWhole() {
        for (CommandLine job : Fathom.commandLine(failures).getSubcommands().values()) {
            assertThat(job.getUsageMessage()).doesNotContainPattern("[a-z]\\.\n *[a-z]");
        }
    }

    @Test
    void aMasterMustAnswer() throws IOException {
        try (ServerSocket master = new ServerSocket(0)) {
            String there = "localhost:" + master.getLocalPort();
            StandaloneMasters.requireOne("spark://localhost:1," + there);
        }
        assertThatThrownBy(() -> StandaloneMasters.requireOne("spark://localhost:1,nohost.invalid:7077,here"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("no master answers at localhost:1 (Connection refused) or nohost.invalid:7077"
                        + " (unknown host) or here (not HOST:PORT)");
        StandaloneMasters.requireOne("local[2]");
    }

    @Test
    void readsAFileASparkSettingAndOptionsInTheirOrder(@TempDir Path directory) throws IOException {
        Path file =
                Files.writeString(directory.resolve("my.conf"), "fathom { run = file, seed = 5, train.rounds = 5 }");
        System.setProperty("spark.fathom.seed", "6");
        System.setProperty("spark.fathom.train.rounds", "6");
        try {
            assertThat(run("probe", "--config", file.toString(), "--run", "option", "--set", "train.rounds=7"))
                    .as(errors.toString())
                    .isZero();
        } finally {
            System.clearProperty("spark.fathom.seed");
            System.clearProperty("spark.fathom.train.rounds");
        }
        RunConfig seen = probe.seen;
        assertThat(seen).isNotNull();
        assertThat(seen.run()).isEqualTo("option");
        assertThat(seen.seed()).isEqualTo(6);
        assertThat(seen.train().rounds()).isEqualTo(7);
    }

    @Test
    void findsAFileShippedBySpark(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("shipped.conf"), "fathom.seed = 12");
        System.setProperty("spark.files", "file:/elsewhere/other.conf," + file.toUri());
        try {
            assertThat(run("probe", "--config", "shipped.conf"))
                    .as(errors.toString())
                    .isZero();
        } finally {
            System.clearProperty("spark.files");
        }
        RunConfig seen = probe.seen;
        assertThat(seen).isNotNull();
        assertThat(seen.seed()).isEqualTo(12);
    }

    @Test
    void aMissingOrUnreachableFileIsOneLine(@TempDir Path directory) {
        for (String name : new String[] {"nowhere.conf", "nofs://host/x.conf", directory.toString()}) {
            errors.getBuffer().setLength(0);
            assertThat(run("probe", "--config", name)).isEqualTo(2);
            assertThat(errors.toString().strip()).hasLineCount(1).startsWith("fathom probe: --config " + name + ": ");
        }
    }
}
