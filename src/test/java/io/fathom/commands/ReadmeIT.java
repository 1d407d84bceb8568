package io.fathom.commands;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.commands.Command.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.commons.io.FileUtils;
import org.junit.jupiter.api.Test;

/** The commands of the README, on a small setting. */
class ReadmeIT {
    private static final Path IMPORTED = Path.of("target/tiny-import");
    private static final Path RUN = Path.of("target/tiny-demo");
    private static final Pattern SHELL = Pattern.compile("```sh\n(.*?)```", Pattern.DOTALL);

    private static final Pattern LINK = Pattern.compile("]\\(([^)]+)\\)");

    /** The lines of the README's shell blocks. */
    private static List<String> commands() throws IOException {
        return SHELL.matcher(Files.readString(Path.of("README.md")))
                .results()
                .flatMap(block -> block.group(1).lines())
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .toList();
    }

    @Test
    void theTwoCommandsComeFirst() throws IOException {
        assertThat(commands()).startsWith("./submit.sh demo", "mvn -B verify");
        assertThat(Files.readString(Path.of(".ci/run"))).contains("mvn -B verify\n");
    }

    @Test
    void everyLinkLeadsSomewhere() throws IOException {
        assertThat(LINK.matcher(Files.readString(Path.of("README.md")))
                        .results()
                        .map(link -> link.group(1)))
                .filteredOn(link -> !link.startsWith("https://"))
                .isNotEmpty()
                .allSatisfy(link -> assertThat(Path.of(link)).exists());
    }

    @Test
    void everySubmittedJobIsUnderstood() throws Exception {
        for (String command : commands()) {
            if (command.startsWith("./submit.sh")) {
                List<String> words = List.of(command.replaceAll("\\s+#.*", "").split("\\s+"));
                String job = words.get(1);
                Result result = Command.of("./submit.sh", job, "--help").run();
                assertThat(result.exitCode()).as(command).isZero();
                words.stream()
                        .skip(2)
                        .filter(word -> word.matches("--[a-z-]+") && !SparkFlags.ALL.contains(word))
                        .forEach(option ->
                                assertThat(result.output()).as(command).contains(option));
            }
        }
    }

    @Test
    void theDemoGoesFromTextToReport() throws Exception {
        FileUtils.deleteDirectory(RUN.toFile());
        Result result = Command.of("./submit.sh", "demo", "--config", "src/test/resources/commands/tiny-demo.conf")
                .run();
        assertThat(result.exitCode()).as(result.errors()).isZero();
        assertThat(result.errors()).as("nothing but the job's own lines").isEmpty();
        assertThat(result.output())
                .contains("round 4/4", "ETA")
                .contains("validation loss, nats a token", "validation loss, bits a byte", "forward FLOPs a token")
                .contains("tokens/s", "FLOPs saved", "Order-0 entropy")
                .doesNotContain("resume")
                .containsPattern("Report: .*target/tiny-demo/report.html");
        for (String artefact : List.of(
                "config.conf",
                "provenance.json",
                "metrics.jsonl",
                "checkpoints/round-000004/manifest.json",
                "model/model.fb",
                "dense/metrics.jsonl",
                "routing",
                "report.html")) {
            assertThat(RUN.resolve(artefact)).exists();
        }
        assertThat(Files.readString(RUN.resolve("provenance.json"))).contains("fathom demo --config");
        theJobsThatUseARunWork();
    }

    /** The jobs of the README's "step by step" and of weights, from the packaged jar on the demo's run. */
    private static void theJobsThatUseARunWork() throws Exception {
        String run = RUN.toString();
        assertThat(job("evaluate", "--run", run, "--set", "evaluation.sequences=4"))
                .contains("top-k", "predictor, calibrated");
        assertThat(job("generate", "--run", run, "--prompt", "Once", "--max-tokens", "8", "--calibrated"))
                .contains("Once", "tokens/s");
        assertThat(job("export", "--run", run + "/dense")).contains("model.safetensors");
        FileUtils.deleteDirectory(IMPORTED.toFile());
        assertThat(job("import", "--from", run + "/dense/model", "--route", "--run", IMPORTED.toString()))
                .contains("2 blocks, routed [1]");
        assertThat(IMPORTED.resolve("checkpoints/round-000000/manifest.json")).exists();
    }

    private static String job(String... words) throws Exception {
        List<String> command = new ArrayList<>(List.of("./submit.sh"));
        command.addAll(List.of(words));
        Result result = Command.of(command.toArray(String[]::new)).run();
        assertThat(result.exitCode()).as("%s: %s", command, result.errors()).isZero();
        return result.output();
    }
}
