package io.fathom.commands;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.commands.Command.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code submit.sh bundle}: a folder that runs jobs where there is neither Java nor Maven nor Spark. */
class BundleIT {
    private static final Path BUNDLE = Path.of("target/bundle");

    /** All that jobs of a bundle ask of a machine: bash, and the coreutils that submit.sh and Hadoop call. */
    private static final List<String> TOOLS =
            List.of("bash", "readlink", "dirname", "basename", "find", "sort", "paste", "ls", "chmod", "uname");

    @TempDir
    Path machine;

    @Test
    void aBundleRunsJobsWithoutJavaAndSpark() throws Exception {
        FileUtils.deleteDirectory(BUNDLE.toFile());
        Result made = Command.of("./submit.sh", "bundle", "--with-jre", BUNDLE.toString())
                .run();
        assertThat(made.exitCode()).as(made.errors()).isZero();
        assertThat(made.output()).startsWith("target/bundle: ").contains("of which jre");
        assertThat(size(BUNDLE)).isLessThan(360L << 20);
        assertThat(size(BUNDLE.resolve("jre"))).isLessThan(60L << 20);

        // Moved, with another's name in it, and on a path that knows no java.
        Path moved = machine.resolve("a b");
        Files.createSymbolicLink(moved, BUNDLE.toAbsolutePath());
        String path = toolsAlone();
        Result verified = command(path, moved, "verify", "--summary").run();
        assertThat(verified.exitCode()).as(verified.errors()).isZero();
        assertThat(verified.output()).contains("Every quantity of ").contains(" on cpu: ");

        Path run = machine.resolve("run");
        Result demo = command(
                        path,
                        moved,
                        "demo",
                        "--config",
                        "src/test/resources/commands/tiny-demo.conf",
                        "--run",
                        run.toString())
                .run();
        assertThat(demo.exitCode()).as(demo.errors()).isZero();
        assertThat(demo.errors()).isEmpty();
        assertThat(demo.output()).contains("computing on cpu: ");
        assertThat(run.resolve("report.html")).exists();
        assertThat(Command.of(moved.resolve("submit.sh").toString(), "bundle")
                        .run()
                        .errors())
                .contains("is a bundle already");
    }

    @Test
    void mistakesAreOneLine() throws Exception {
        assertThat(failure()).isEqualTo("submit.sh: bundle: name the folder to make: --with-jre DIR");
        assertThat(failure("--with-jre", "src"))
                .isEqualTo("submit.sh: bundle: src is not empty: name a folder that is" + " not there");
        assertThat(failure("--with-jre", "pom.xml")).isEqualTo("submit.sh: bundle: pom.xml is no folder");
        assertThat(failure("--jre", "x")).contains("unknown option --jre");
    }

    private static String failure(String... options) throws Exception {
        String[] words = Stream.concat(Stream.of("./submit.sh", "bundle"), Stream.of(options))
                .toArray(String[]::new);
        Result result = Command.of(words).run();
        assertThat(result.exitCode()).isEqualTo(2);
        return result.errors().strip();
    }

    /** A command of the bundle with nothing but {@code path} and a home in its environment. */
    private Command command(String path, Path bundle, String... words) {
        return Command.of(Stream.concat(
                        Stream.of(
                                "/usr/bin/env",
                                "-i",
                                "PATH=" + path,
                                "HOME=" + System.getProperty("user.home"),
                                "bash",
                                bundle.resolve("submit.sh").toString()),
                        Stream.of(words))
                .toArray(String[]::new));
    }

    private String toolsAlone() throws IOException {
        Path bin = Files.createDirectories(machine.resolve("bin"));
        for (String tool : TOOLS) {
            Path found = Stream.of("/bin", "/usr/bin", "/usr/local/bin")
                    .map(folder -> Path.of(folder, tool))
                    .filter(Files::isExecutable)
                    .findFirst()
                    .orElseThrow();
            Files.createSymbolicLink(bin.resolve(tool), found);
        }
        return bin.toString();
    }

    private static long size(Path folder) {
        return FileUtils.sizeOfDirectory(folder.toFile());
    }
}
