package io.fathom.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The notebook, executed as a user would, in a Python environment that the script makes. */
class NotebookIT {
    @TempDir
    private Path directory;

    private record Finished(int code, String printed) {}

    private Finished execute(Path run, Path output) throws IOException, InterruptedException {
        Path printed = directory.resolve("printed");
        Process process = new ProcessBuilder("notebooks/run.sh", run.toString(), output.toString())
                .redirectErrorStream(true)
                .redirectOutput(printed.toFile())
                .start();
        try {
            assertThat(process.waitFor(8, TimeUnit.MINUTES)).as("ends in time").isTrue();
        } finally {
            process.destroy();
        }
        return new Finished(process.exitValue(), Files.readString(printed));
    }

    @Test
    void everyCellRunsOnARunDirectory() throws Exception {
        Path run = directory.resolve("run");
        SyntheticRun.complete(run);
        Path output = directory.resolve("executed.ipynb");
        Finished finished = execute(run, output);
        assertThat(finished.code()).as(finished.printed()).isZero();
        String executed = Files.readString(output);
        assertThat(executed.split("image/png", -1)).as("pictures").hasSize(1 + 6);
        assertThat(executed).contains("round 30: 64 sequences, 8,192 tokens, k = 16 of 128 tokens in 4 of 8 blocks");
    }

    @Test
    void saysWhatIsMissing() throws Exception {
        Finished finished = execute(directory, directory.resolve("executed.ipynb"));
        assertThat(finished.code()).isEqualTo(2);
        assertThat(finished.printed()).contains("holds no routing").contains("./submit.sh routing --run");
    }
}
