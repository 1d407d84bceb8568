package io.fathom.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointWriter;
import io.fathom.checkpoint.Claim;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.checkpoint.Start;
import io.fathom.checkpoint.TrainingProgress;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerateJobTest {
    private static final ModelSpec SPEC =
            new ModelSpec(257, 32, 16, 2, 4, new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, false));

    @TempDir
    Path directory;

    private JobRun generate(String... arguments) {
        List<String> all = new ArrayList<>(List.of("generate", "--run", directory.toString()));
        all.addAll(List.of(arguments));
        return JobRun.of(all.toArray(String[]::new));
    }

    private void writeCheckpoint() {
        RunDirectory run = new RunDirectory(new Configuration(), directory.toString());
        CheckpointWriter writer = new CheckpointWriter(Claim.take(run, Start.now("")));
        float[] parameters = ParameterLayout.of(SPEC).initial(SPEC, 1);
        TrainingProgress progress = new TrainingProgress(3, 1, List.of(), 0, 0, 0);
        writer.begin(3);
        writer.publish(new Checkpoint(SPEC, parameters, Optional.empty(), progress), List.of(), 1);
    }

    @Test
    void writesOnFromAPromptAndTellsTheCost() throws Exception {
        writeCheckpoint();
        JobRun first = generate("--prompt", "Hello", "--max-tokens", "12", "--seed", "4", "--explain-routing");
        assertThat(first.problem()).isEmpty();
        assertThat(first.code()).isZero();
        assertThat(first.out())
                .startsWith("Hello")
                .contains("12 new after a prompt of 5, from round 3", "new tokens/s", "of 4 blocks a token")
                .containsPattern("keys, values +[\\d,]+ bytes, dense [\\d,]+: \\d")
                .containsPattern("compute +[\\d,]+ FLOPs a token, dense [\\d,]+: \\d");
        assertThat(Files.readString(directory.resolve("generate.html"))).contains("depth 2 of 4, blocks [0, 2]");

        JobRun again = generate("--prompt", "Hello", "--max-tokens", "12", "--seed", "4");
        String text = first.out().lines().findFirst().orElseThrow();
        assertThat(again.out()).startsWith(text);
        assertThat(again.out()).doesNotContain("\u001b[");
    }

    @Test
    void tellsMistakesInOneLine() {
        assertThat(generate("--prompt", "x").mistake()).contains("no checkpoint there");
        writeCheckpoint();
        assertThat(generate("--prompt", "x", "--routing", "predictor").mistake())
                .contains("use routing = router");
        assertThat(generate("--routing", "none").mistake()).contains("must be predictor or router");
        assertThat(generate("--temperature", "-1").mistake()).contains("temperature = -1.0: must be >= 0");
        assertThat(generate("--max-tokens", "0").mistake()).contains("max-tokens = 0: must be >= 1");
        assertThat(generate("--set", "corpus.tokenizer=gpt2").mistake()).contains("the tokenizer gpt2 has 50257");
    }
}
