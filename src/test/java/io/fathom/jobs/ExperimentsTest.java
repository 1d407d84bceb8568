package io.fathom.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.config.ConfigReader;
import io.fathom.config.RunConfig;
import io.fathom.train.Budget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The experiments of {@code docs/experiments}: that they can still be run, and compare what they say they compare. */
class ExperimentsTest {
    private static final Path FOLDER = Path.of("docs/experiments");
    private static final int VOCABULARY = 257;

    private static Map<String, RunConfig> runs(Path file) throws IOException {
        JsonNode experiment = new ObjectMapper().readTree(Files.readString(file));
        Map<String, RunConfig> runs = new LinkedHashMap<>();
        experiment.path("runs").fields().forEachRemaining(run -> {
            Map<String, String> settings = new LinkedHashMap<>();
            for (JsonNode part : List.of(experiment.path("settings"), run.getValue())) {
                part.fields()
                        .forEachRemaining(each ->
                                settings.put(each.getKey(), each.getValue().asText()));
            }
            runs.put(run.getKey(), ConfigReader.read(List.of(ConfigReader.settings(settings, file.toString()))));
        });
        return runs;
    }

    private static Budget budget(RunConfig config) {
        return new Budget(config.model().spec(VOCABULARY), config.train());
    }

    @Test
    void everyRunIsOne() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            List<Path> experiments =
                    files.filter(file -> file.toString().endsWith(".json")).toList();
            assertThat(experiments).hasSize(4);
            for (Path file : experiments) {
                assertThat(runs(file))
                        .as(file.toString())
                        .hasSizeGreaterThan(5)
                        .allSatisfy((name, config) ->
                                assertThat(budget(config).rounds()).isPositive());
            }
        }
    }

    @Test
    void runsOfOneBudgetSpendEqualFlops() throws IOException {
        for (String name : List.of("wikitext2", "wikitext2-budgets", "wikitext2-why")) {
            assertThat(runs(FOLDER.resolve(name + ".json")))
                    .allSatisfy((run, config) -> assertThat(budget(config).flops())
                            .as(run)
                            .isCloseTo(config.train().flops(), withPercentage(1.5)));
        }
    }

    @Test
    void runsOfTheAveragingExperimentLearnFromEqualTokens() throws IOException {
        assertThat(runs(FOLDER.resolve("averaging.json")).values())
                .allSatisfy(config -> assertThat((long) config.train().rounds()
                                * config.train().localSteps()
                                * config.train().workers()
                                * config.train().batch())
                        .isEqualTo(16_000));
    }
}
