package io.fathom.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.config.ConfigReader;
import io.fathom.config.RunConfig;
import io.fathom.graph.weights.Gpt2Import;
import io.fathom.graph.weights.LocalFiles;
import io.fathom.graph.weights.Weights;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightsJobsTest {
    private static final String GOLDEN = "src/test/resources/golden/hf_gpt2_tiny";

    @TempDir
    Path directory;

    private Checkpoint checkpoint() {
        return new CheckpointStore(new Configuration(), directory.resolve("run").toString()).newest();
    }

    private Weights exported() {
        return Gpt2Import.read(new LocalFiles(directory.resolve("out")));
    }

    @Test
    void importThenExportGivesTheSameWeights() throws Exception {
        String run = directory.resolve("run").toString();
        assertThat(JobRun.of("import", "--from", GOLDEN, "--run", run).sound())
                .contains("no tokenizer here has its 67 tokens");
        Weights golden = Gpt2Import.read(new LocalFiles(Path.of(GOLDEN)));
        assertThat(checkpoint().parameters()).isEqualTo(golden.parameters());
        assertThat(checkpoint().round()).isZero();

        JobRun.of("export", "--run", run, "--to", directory.resolve("out").toString())
                .sound();
        assertThat(exported().spec()).isEqualTo(golden.spec());
        assertThat(exported().parameters()).isEqualTo(golden.parameters());
        assertThat(directory.resolve("out/model.fb")).isNotEmptyFile();
    }

    @Test
    void importStartsAModelThatRoutes() throws Exception {
        String run = directory.resolve("run").toString();
        String capacity = "model.routing.capacity=0.5";
        JobRun.of("import", "--from", GOLDEN, "--route", "--run", run, "--set", capacity)
                .sound();
        Checkpoint start = checkpoint();
        assertThat(start.spec().routedBlocks()).containsExactly(1);
        Path written = directory.resolve("run/config.conf");
        RunConfig config = ConfigReader.read(List.of(ConfigReader.parse(Files.readString(written), "written")));
        assertThat(config.model().spec(67)).isEqualTo(start.spec());
        assertThat(start.progress().seed()).isEqualTo(config.seed());
        assertThat(start.progress().workers()).isEqualTo(config.train().workers());

        assertThat(JobRun.of("import", "--from", GOLDEN, "--run", run).mistake())
                .contains("holds a run already, trained to round 0");
    }

    @Test
    void tellsWhatItCannotImport() {
        assertThat(JobRun.of("import", "--from", directory.toString(), "--run", directory + "/run")
                        .mistake())
                .contains("has no config.json");
    }
}
