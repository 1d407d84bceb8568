package io.fathom.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.config.ConfigReader;
import io.fathom.config.RunConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class TrainJobTest {
    private static final String TINY = """
            fathom {
              model { context = 8, width = 4, heads = 2, blocks = 2 }
              train { workers = 1, rounds = 1, localSteps = 1, batch = 2, validation.batches = 1 }
            }
            """;

    @TempDir
    Path directory;

    private final StringWriter problem = new StringWriter();
    private Path run = Path.of("");

    @BeforeEach
    void prepare() throws IOException {
        run = directory.resolve("run");
        Files.writeString(directory.resolve("tiny.conf"), TINY);
        Path texts = Files.createDirectory(directory.resolve("texts"));
        for (int i = 0; i < 20; i++) {
            Files.writeString(texts.resolve("t" + i + ".txt"), ("text number " + i + " says little. ").repeat(5));
        }
        job(
                0,
                "prepare",
                "--set",
                "corpus.input=" + texts,
                "--set",
                "corpus.tokenizer=gpt2",
                "--set",
                "corpus.validationFraction=0.3");
    }

    private String job(int expected, String... arguments) {
        CommandLine command = Fathom.commandLine();
        command.getSubcommands().values().forEach(each -> each.setErr(new PrintWriter(problem, true)));
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--run", run.toString(), "--config", directory + "/tiny.conf"));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream before = System.out;
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            assertThat(command.execute(all.toArray(new String[0])))
                    .as(problem.toString())
                    .isEqualTo(expected);
        } finally {
            System.setOut(before);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void theRunKeepsTheTokenizerOfItsCorpusAndSaysWhenNothingIsLeftToTrain() throws IOException {
        assertThat(job(0, "train")).doesNotContain("nothing left").contains("1 rounds");
        RunConfig written =
                ConfigReader.read(List.of(ConfigReader.parse(Files.readString(run.resolve("config.conf")), "run")));
        assertThat(written.corpus().tokenizer()).isEqualTo("gpt2");
        assertThat(job(0, "train", "--resume"))
                .contains("nothing left to train: round 1 is reached, train.rounds = 1\n");
        assertThat(job(0, "generate", "--prompt", "text", "--max-tokens", "2")).startsWith("text");
    }

    @Test
    void aConfigurationThatIsGoneIsNotTheDefault() throws IOException {
        Files.writeString(run.resolve("config.conf"), "");
        job(2, "report");
        assertThat(problem.toString()).hasLineCount(1).contains("config.conf: is empty; put back");
    }

    @Test
    void aPrecisionThatTheEngineLacksIsToldBeforeAnythingIsWritten() {
        job(2, "train", "--set", "engine.name=cpu", "--set", "engine.precision=bf16");
        assertThat(problem.toString())
                .hasLineCount(1)
                .startsWith("fathom train: engine.precision = bf16: engine cpu computes in float32");
        assertThat(run.resolve("metrics.jsonl")).doesNotExist();
        assertThat(run.resolve("checkpoints")).doesNotExist();
    }
}
