package io.fathom.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.config.ConfigReader;
import io.fathom.config.RunConfig;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import io.fathom.program.Program;
import io.fathom.program.ProgramListing;
import io.fathom.program.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainJobTest {
    private static final String TINY = """
            fathom {
              model { context = 8, width = 4, heads = 2, blocks = 2 }
              train { workers = 1, rounds = 1, localSteps = 1, batch = 2, validation.batches = 1 }
            }
            """;

    @TempDir
    Path directory;

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
                "prepare",
                "--set",
                "corpus.input=" + texts,
                "--set",
                "corpus.tokenizer=gpt2",
                "--set",
                "corpus.validationFraction=0.3");
    }

    private JobRun tried(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--run", run.toString(), "--config", directory + "/tiny.conf"));
        return JobRun.of(all.toArray(String[]::new));
    }

    private String job(String... arguments) {
        return tried(arguments).sound();
    }

    @Test
    void theRunKeepsTheTokenizerOfItsCorpusAndSaysWhenNothingIsLeftToTrain() throws IOException {
        assertThat(job("train")).doesNotContain("nothing left").contains(" parameters, 1 round, ");
        RunConfig written =
                ConfigReader.read(List.of(ConfigReader.parse(Files.readString(run.resolve("config.conf")), "run")));
        assertThat(written.corpus().tokenizer()).isEqualTo("gpt2");
        assertThat(job("train", "--resume")).contains("nothing left to train: round 1 is reached, train.rounds = 1\n");
        assertThat(job("generate", "--prompt", "text", "--max-tokens", "2")).startsWith("text");
    }

    @Test
    void explainTellsOfTheStepAndTrainsNothing() {
        String told = job("train", "--explain", "--set", "train.rounds=3", "--set", "train.batch=4");
        ModelSpec spec =
                new ModelSpec(50257, 8, 4, 2, 2, new Routing.ExpertChoice(2, 1, 0.125, Gate.SIGMOID, 0.01, true));
        Program program = Programs.training(spec, 4);
        assertThat(told)
                .startsWith(ProgramListing.of(program))
                .contains("from round 1: capacity 0.1250, 1 of 8 tokens of a sequence")
                .endsWith(String.format(Locale.ROOT, "%n3 rounds, %.4g training FLOPs%n", 3.0 * program.flops()));
        assertThat(run.resolve("checkpoints")).doesNotExist();
        assertThat(run.resolve("metrics.jsonl")).doesNotExist();
    }

    @Test
    void aConfigurationThatIsGoneIsNotTheDefault() throws IOException {
        Files.writeString(run.resolve("config.conf"), "");
        assertThat(tried("report").mistake()).contains("config.conf: is empty; put back");
    }

    @Test
    void aPrecisionThatTheEngineLacksIsToldBeforeAnythingIsWritten() {
        assertThat(tried("train", "--set", "engine.name=cpu", "--set", "engine.precision=bf16")
                        .mistake())
                .startsWith("fathom train: engine.precision = bf16: engine cpu computes in float32");
        assertThat(run.resolve("metrics.jsonl")).doesNotExist();
        assertThat(run.resolve("checkpoints")).doesNotExist();
    }
}
