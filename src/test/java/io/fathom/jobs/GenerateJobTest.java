package io.fathom.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.checkpoint.TrainingProgress;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class GenerateJobTest {
    private static final ModelSpec SPEC =
            new ModelSpec(257, 32, 16, 2, 4, new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, false));

    @TempDir
    Path directory;

    private record Outcome(int code, String out, String problem) {}

    private Outcome generate(String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        StringWriter problem = new StringWriter();
        CommandLine command = Fathom.commandLine().setErr(new PrintWriter(problem, true));
        command.getSubcommands().values().forEach(c -> c.setErr(new PrintWriter(problem, true)));
        List<String> all = new ArrayList<>(List.of("generate", "--run", directory.toString()));
        all.addAll(List.of(arguments));
        PrintStream before = System.out;
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            int code = command.execute(all.toArray(new String[0]));
            return new Outcome(code, out.toString(StandardCharsets.UTF_8), problem.toString());
        } finally {
            System.setOut(before);
        }
    }

    private void writeCheckpoint() {
        CheckpointStore store = new CheckpointStore(new Configuration(), directory.toString());
        float[] parameters = ParameterLayout.of(SPEC).initial(SPEC, 1);
        TrainingProgress progress = new TrainingProgress(3, 1, List.of(), 0, 0, 0);
        store.begin(3);
        store.publish(new Checkpoint(SPEC, parameters, Optional.empty(), progress), List.of(), 1);
    }

    @Test
    void writesOnFromAPromptAndTellsTheCost() throws Exception {
        writeCheckpoint();
        Outcome first = generate("--prompt", "Hello", "--max-tokens", "12", "--seed", "4", "--explain-routing");
        assertThat(first.problem()).isEmpty();
        assertThat(first.code()).isZero();
        assertThat(first.out())
                .startsWith("Hello")
                .contains("12 new after a prompt of 5, from round 3", "new tokens/s", "of 4 blocks a token")
                .containsPattern("keys, values +[\\d,]+ bytes, dense [\\d,]+: \\d")
                .containsPattern("compute +[\\d,]+ FLOPs a token, dense [\\d,]+: \\d");
        assertThat(Files.readString(directory.resolve("generate.html"))).contains("depth 2 of 4, blocks [0, 2]");

        Outcome again = generate("--prompt", "Hello", "--max-tokens", "12", "--seed", "4");
        String text = first.out().lines().findFirst().orElseThrow();
        assertThat(again.out()).startsWith(text);
        assertThat(again.out()).doesNotContain("\u001b[");
    }

    @Test
    void tellsMistakesInOneLine() {
        assertThat(generate("--prompt", "x").problem())
                .contains("no checkpoint there")
                .hasLineCount(1);
        writeCheckpoint();
        Outcome predictor = generate("--prompt", "x", "--routing", "predictor");
        assertThat(predictor.code()).isEqualTo(2);
        assertThat(predictor.problem()).contains("use routing = router").hasLineCount(1);
        assertThat(generate("--routing", "none").problem()).contains("must be predictor or router");
        assertThat(generate("--temperature", "-1").problem()).contains("temperature = -1.0: must be >= 0");
        assertThat(generate("--max-tokens", "0").problem()).contains("max-tokens = 0: must be >= 1");
        assertThat(generate("--set", "corpus.tokenizer=gpt2").problem()).contains("the tokenizer gpt2 has 50257");
    }
}
