package io.fathom.commands;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A command as a user types it in the root of the repository, run to its end. */
record Command(List<String> words, Map<String, String> environment) {

    /** After which a command hangs: far more than any takes, on a slow machine that is busy, too. */
    private static final long MINUTES = 5;

    static Command of(String... words) {
        return new Command(List.of(words), Map.of());
    }

    /** The same command with {@code name} set to {@code value} in its environment. */
    Command with(String name, String value) {
        Map<String, String> more = new HashMap<>(environment);
        more.put(name, value);
        return new Command(words, more);
    }

    /** What a command gave. */
    record Result(int exitCode, String output, String errors) {}

    /** Runs it to its end; fails the test where that does not come. */
    Result run() throws IOException, InterruptedException {
        Path output = Files.createTempFile("fathom-command", ".out");
        Path errors = Files.createTempFile("fathom-command", ".err");
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(words).redirectOutput(output.toFile()).redirectError(errors.toFile());
            // The machine's own Spark, if any, would make the test another one.
            builder.environment().remove("SPARK_HOME");
            // A JVM tells of these on every start.
            builder.environment().remove("JAVA_TOOL_OPTIONS");
            builder.environment().putAll(environment);
            Process process = builder.start();
            boolean ended = process.waitFor(MINUTES, TimeUnit.MINUTES);
            if (!ended) {
                process.destroyForcibly().waitFor();
            }
            Result result = new Result(process.exitValue(), Files.readString(output), Files.readString(errors));
            assertThat(ended)
                    .as("%s within %d minutes; it said:%n%s%n%s", words, MINUTES, result.output(), result.errors())
                    .isTrue();
            return result;
        } finally {
            Files.delete(output);
            Files.delete(errors);
        }
    }
}
