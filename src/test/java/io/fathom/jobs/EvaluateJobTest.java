package io.fathom.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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

class EvaluateJobTest {
    @TempDir
    Path directory;

    private JobRun tried(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--run", directory.resolve("run").toString()));
        return JobRun.of(all.toArray(String[]::new));
    }

    private String run(String... arguments) {
        return tried(arguments).sound();
    }

    private void prepare() throws Exception {
        Path texts = Files.createDirectory(directory.resolve("texts"));
        for (int i = 0; i < 40; i++) {
            Files.writeString(texts.resolve("t" + i + ".txt"), ("text number " + i + " says little. ").repeat(20));
        }
        run("prepare", "--set", "corpus.input=" + texts, "--set", "corpus.validationFraction=0.3");
    }

    private void writeCheckpoint(Routing routing) {
        ModelSpec spec = new ModelSpec(257, 32, 16, 2, 4, routing);
        float[] parameters = ParameterLayout.of(spec).initial(spec, 1);
        // Routers that decide: at their initial scale all scores lie near 0.
        for (int i = 0; i < parameters.length; i++) {
            parameters[i] *= 5;
        }
        RunDirectory run =
                new RunDirectory(new Configuration(), directory.resolve("run").toString());
        CheckpointWriter writer = new CheckpointWriter(Claim.take(run, Start.now("")));
        writer.begin(2);
        TrainingProgress progress = new TrainingProgress(2, 1, List.of(), 0, 0, 0);
        writer.publish(new Checkpoint(spec, parameters, Optional.empty(), progress), List.of(), 1);
    }

    private JsonNode written() throws Exception {
        return new ObjectMapper()
                .readTree(directory.resolve("run/evaluation/evaluation.json").toFile());
    }

    @Test
    void scoresEveryModeAndCalibratesTheThresholdsOfGeneration() throws Exception {
        prepare();
        writeCheckpoint(new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, true));
        assertThat(tried("generate", "--prompt", "text", "--calibrated").mistake())
                .contains("run `evaluate` with this --run first");

        String out = run("evaluate", "--set", "evaluation.sequences=20");
        assertThat(out).contains("top-k", "predictor, calibrated", "router, calibrated", "bits/byte");
        JsonNode json = written();
        assertThat(json.get("sequences").asInt()).isEqualTo(20);
        assertThat(json.get("tokens").asInt()).isEqualTo(640);
        assertThat(json.get("modes").findValuesAsText("mode"))
                .containsExactly("top-k", "predictor", "router", "predictor, calibrated", "router, calibrated");
        JsonNode topK = json.get("modes").get(0);
        assertThat(topK.get("gap_nats").asDouble()).isZero();
        assertThat(topK.get("capacity").asDouble()).isEqualTo(0.25);
        assertThat(topK.get("perplexity").asDouble())
                .isCloseTo(Math.exp(topK.get("loss").asDouble()), within(1e-9));
        JsonNode calibrated = json.get("modes").get(3);
        JsonNode plain = json.get("modes").get(1);
        double drift = Math.abs(calibrated.get("capacity").asDouble() - 0.25);
        assertThat(drift)
                .isLessThan(0.1)
                .isLessThan(Math.abs(plain.get("capacity").asDouble() - 0.25));
        assertThat(json.get("signals")).hasSize(4);
        assertThat(json.get("deciles")).hasSize(40);
        assertThat(directory.resolve("run/evaluation/modes.csv")).content().startsWith("mode,loss,perplexity,");

        assertThat(run("generate", "--prompt", "text", "--max-tokens", "8", "--calibrated"))
                .startsWith("text");
    }

    @Test
    void scoresModelsOfEveryOtherRouting() throws Exception {
        prepare();
        writeCheckpoint(new Routing.Dense());
        assertThat(run("evaluate", "--set", "evaluation.sequences=9")).contains("dense", "Round 2 over 9 sequences");
        assertThat(written().get("modes").findValuesAsText("mode")).containsExactly("dense");
        assertThat(written().get("modes").get(0).get("share_of_dense_twin").asDouble())
                .isEqualTo(1);
        assertThat(tried("generate", "--routing", "router").mistake()).contains("--routing: this model is dense");
        assertThat(tried("generate", "--calibrated").mistake()).contains("--calibrated: this model is dense");
        writeCheckpoint(new Routing.Stochastic(2, 1, 0.25, Gate.SIGMOID));
        run("evaluate", "--set", "evaluation.sequences=9");
        assertThat(written().get("modes").findValuesAsText("mode")).containsExactly("random");
        assertThat(written().get("modes").get(0).get("capacity").asDouble()).isEqualTo(0.25);
        writeCheckpoint(new Routing.TokenChoice(2, 1, 0.5, Gate.SIGMOID, 0.01, 0));
        run("evaluate", "--set", "evaluation.sequences=9");
        assertThat(written().get("modes").findValuesAsText("mode"))
                .containsExactly("token choice", "router", "router, calibrated");
        assertThat(tried("evaluate", "--corpus", directory.resolve("nowhere").toString())
                        .mistake())
                .contains("is not a complete corpus");
    }
}
