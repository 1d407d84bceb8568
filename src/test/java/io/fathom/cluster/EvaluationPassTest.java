package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.TrainingProgress;
import io.fathom.config.RunConfig;
import io.fathom.corpus.Corpus;
import io.fathom.corpus.TextCorpus;
import io.fathom.decode.evaluation.EvaluationResults;
import io.fathom.decode.evaluation.Thresholds;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationPassTest {
    @TempDir
    Path directory;

    @Test
    void theNumbersDoNotDependOnExecutorsNorOnTheSerializer() throws IOException {
        Corpus corpus = TextCorpus.BYTES.write(directory.resolve("corpus"), TextCorpus.gibberish(1, 60, 20));
        RunConfig config = TinyRun.config("evaluation.sequences", "23", "evaluation.calibrationTokens", "64");
        EvaluationResults one = evaluate(config, corpus, "local[1]");
        EvaluationResults three =
                evaluate(config, corpus, "local[3]", "spark.serializer", "org.apache.spark.serializer.KryoSerializer");
        assertThat(three.tables()).isEqualTo(one.tables());
        assertThat(one.table("modes").rows()).hasSize(5);
        assertThat(one.summary().get("sequences").asInt()).isEqualTo(23);
    }

    private static EvaluationResults evaluate(RunConfig config, Corpus corpus, String master, String... settings) {
        ModelSpec spec = config.model().spec(257);
        float[] parameters = ParameterLayout.of(spec).initial(spec, 7);
        // Routers that decide: at their initial scale all scores lie near 0.
        for (int i = 0; i < parameters.length; i++) {
            parameters[i] *= 5;
        }
        Checkpoint checkpoint = new Checkpoint(
                spec, parameters, Optional.empty(), new TrainingProgress(3, 1, List.of(6L, 6L), 384, 0, 0));
        try (JavaSparkContext spark = TinyRun.spark(master, settings)) {
            EvaluationPass pass = new EvaluationPass(spark, config, checkpoint, corpus, corpus);
            Thresholds thresholds = pass.calibrate();
            return EvaluationResults.of(
                    new EvaluationResults.Source(3, corpus.validation().name(), 1), pass.run(thresholds), thresholds);
        }
    }
}
