package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.TrainingProgress;
import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import io.fathom.corpus.TokenSplit;
import io.fathom.corpus.Tokenizer;
import io.fathom.corpus.Tokenizers;
import io.fathom.engine.Engines;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.model.Flops;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.program.Programs;
import io.fathom.routing.RoutingResults;
import io.fathom.routing.Table;
import io.fathom.routing.TokenText;
import java.util.List;
import java.util.Optional;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;

class RoutingPassTest {
    private static final Tokenizer BYTES = Tokenizers.named("bytes");
    private static final TokenSplit SPLIT = ArraySplit.learnable("validation", 8 * 40 + 1, 200, 3);

    private static RunConfig config(String... settings) {
        return TinyRun.config(settings);
    }

    private static Checkpoint untrained(RunConfig config, int vocabulary) {
        ModelSpec spec = config.model().spec(vocabulary);
        float[] parameters = ParameterLayout.of(spec).initial(spec, 7);
        return new Checkpoint(
                spec, parameters, Optional.empty(), new TrainingProgress(3, 1, List.of(6L, 6L), 384, 0, 0));
    }

    private static RoutingPass.Outcome measure(String master, RunConfig config, String... settings) {
        try (JavaSparkContext spark = TinyRun.spark(master, settings)) {
            return new RoutingPass(spark, config, untrained(config, 257), BYTES, SPLIT).run();
        }
    }

    private static RoutingResults results(RunConfig config, RoutingPass.Outcome outcome) {
        return RoutingResults.of(
                new ObjectMapper().createObjectNode(),
                config.model().spec(257),
                outcome.fold(),
                outcome.figures(),
                new TokenText(256, BYTES::bytes),
                20,
                5);
    }

    @Test
    void theNumbersDoNotDependOnHowManyExecutorsThereAre() {
        RunConfig config = config("model.blocks", "4", "routing.sequences", "39", "train.batch", "2");
        RoutingPass.Outcome one = measure("local[1]", config);
        RoutingResults first = results(config, one);
        RoutingResults second = results(
                config, measure("local[3]", config, "spark.serializer", "org.apache.spark.serializer.KryoSerializer"));
        assertThat(second.tables()).isEqualTo(first.tables());
        assertThat(second.summary()).isEqualTo(first.summary());
        assertThat(one.fold().sequences()).isEqualTo(39);
    }

    @Test
    void selectsTheBudgetAndEveryFigureAgrees() {
        RunConfig config = config("model.blocks", "4", "routing.sequences", "1000");
        RoutingPass.Outcome outcome = measure("local[2]", config);
        assertThat(outcome.fold().sequences()).isEqualTo(40);
        assertThat(outcome.asked()).isEqualTo(1000);
        assertThat(outcome.fold().layers())
                .hasSize(2)
                .allSatisfy(layer -> assertThat(layer.rate()).isEqualTo(0.5));
        assertThat(outcome.figures().agree()).isTrue();
        Flops flops = new Flops(config.model().spec(257));
        assertThat(outcome.figures().counted()).isEqualTo((double) flops.forward());
        assertThat(outcome.fold().depth().meanLoss()).isCloseTo(referenceLoss(config), within(1e-5));
    }

    @Test
    void tokensThatChooseForThemselvesStayWithinTheBudget() {
        RunConfig config = config("model.routing.kind", "token-choice", "model.routing.capacity", "0.75");
        RoutingPass.Outcome outcome = measure("local[2]", config);
        assertThat(outcome.fold().layers().get(0).rate()).isBetween(0.3, 0.749);
        assertThat(outcome.figures().agree()).isTrue();
        assertThat(outcome.figures().realised().get(0).flops())
                .isLessThan(outcome.figures().budgeted());
        Table causal = results(config, outcome).table("causal");
        assertThat(causal.number(0, "recall")).as("what a token chose is r > 0").isEqualTo(1);
    }

    @Test
    void chanceHasNoRouterToJudge() {
        RunConfig config = config("model.routing.kind", "random", "model.routing.capacity", "0.25");
        RoutingPass.Outcome outcome = measure("local[2]", config);
        assertThat(outcome.fold().layers().get(0).rate()).isEqualTo(0.25);
        assertThat(outcome.figures().agree()).isTrue();
        assertThat(results(config, outcome).table("causal").rows()).isEmpty();
        assertThat(results(config, outcome).table("flops").rows()).hasSize(4);
    }

    /** The same 40 sequences in one batch of the reference engine. */
    private static double referenceLoss(RunConfig config) {
        Checkpoint checkpoint = untrained(config, 257);
        int[][] windows = new int[40][];
        for (int i = 0; i < 40; i++) {
            windows[i] = SPLIT.window(i, checkpoint.spec().context());
        }
        try (Session session =
                Engines.named("nd4j").open(Programs.inference(checkpoint.spec(), 40), SessionOptions.DEFAULT)) {
            session.write(Session.Vector.PARAMETERS, checkpoint.parameters());
            session.run(Batch.ofWindows(windows));
            return session.scalar("ce");
        }
    }

    @Test
    void tellsUsersWhatDoesNotFit() {
        try (JavaSparkContext spark = TinyRun.spark("local[1]")) {
            RunConfig config = config();
            assertThatThrownBy(() -> new RoutingPass(spark, config, untrained(config, 100), BYTES, SPLIT))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("knows 100 tokens")
                    .hasMessageContaining("bytes with 257")
                    .hasMessageContaining("corpus.path");
            RunConfig dense = config("model.routing.kind", "dense");
            assertThatThrownBy(() -> new RoutingPass(spark, dense, untrained(dense, 257), BYTES, SPLIT))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("is dense");
            TokenSplit shorter = ArraySplit.learnable("validation", 8, 200, 3);
            assertThatThrownBy(() -> new RoutingPass(spark, config, untrained(config, 257), BYTES, shorter))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("needs 9");
        }
    }
}
