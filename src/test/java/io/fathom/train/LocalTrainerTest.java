package io.fathom.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fathom.config.TrainConfig.AdamWConfig;
import io.fathom.config.TrainConfig.InnerMoments;
import io.fathom.engine.AdamW;
import io.fathom.engine.Engines;
import io.fathom.engine.Session;
import io.fathom.engine.Session.Vector;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.program.Programs;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LocalTrainerTest {
    private static final ModelSpec SPEC =
            new ModelSpec(31, 12, 16, 2, 2, new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, true));
    private static final int BATCH = 6;
    private static final int STEPS = 5;
    private static final LearningRate RATE = new LearningRate(0.01, 0.001, 3, 40);

    private final float[] initial = ParameterLayout.of(SPEC).initial(SPEC, 5);

    private static Optimization optimization(int microBatches) {
        return new Optimization(RATE, new AdamWConfig(0.9, 0.95, 1e-8, 0.1, 1.0, InnerMoments.LOCAL), microBatches);
    }

    /** Another one for each worker and step. */
    private static Batch batch(int worker, long step) {
        SplittableRandom random = new SplittableRandom(1000L * worker + step);
        int[][] windows = new int[BATCH][];
        for (int b = 0; b < BATCH; b++) {
            windows[b] = random.ints(SPEC.context() + 1, 0, SPEC.vocabulary()).toArray();
        }
        return Batch.ofWindows(windows);
    }

    private LocalRound train(String engine, int microBatches, LocalTrainer.Limits limits) {
        try (Session session =
                Engines.named(engine).open(Programs.training(SPEC, BATCH / microBatches), SessionOptions.DEFAULT)) {
            return new LocalTrainer(session, optimization(microBatches))
                    .train(LocalTrainerTest::batch, 1, 7, limits, initial, Moments.zero(initial.length));
        }
    }

    /** The first step's gradient to rounding; where Adam divides by a root near 0, later ones magnify that. */
    @ParameterizedTest
    @CsvSource({"cpu, 2", "cpu, 3", "cpu, 6", "nd4j, 3"})
    void aBatchInPartsComesToTheSame(String engine, int parts) {
        LocalRound whole = train(engine, 1, LocalTrainer.Limits.steps(1));
        LocalRound cut = train(engine, parts, LocalTrainer.Limits.steps(1));
        assertThat(distance(cut.moments().first(), whole.moments().first())).isLessThan(1e-5);
        assertThat(cut.means().tokens()).isEqualTo(BATCH * 12L);
        assertThat(cut.means().loss()).isCloseTo(whole.means().loss(), within(1e-5));
        assertThat(cut.means().ce()).isCloseTo(whole.means().ce(), within(1e-5));
        assertThat(cut.means().aux()).isCloseTo(whole.means().aux(), within(1e-5));
        assertThat(cut.means().pred()).isCloseTo(whole.means().pred(), within(1e-5));
        assertThat(cut.means().gradientNorm()).isCloseTo(whole.means().gradientNorm(), within(1e-4));

        LocalRound longer = train(engine, parts, LocalTrainer.Limits.steps(STEPS));
        float[] expected = train(engine, 1, LocalTrainer.Limits.steps(STEPS)).parameters();
        double moved = distance(expected, initial);
        assertThat(distance(longer.parameters(), expected)).isLessThan(0.01 * moved);
    }

    /** |a - b| / |b|. */
    private static double distance(float[] a, float[] b) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < a.length; i++) {
            difference += Math.pow((double) a[i] - b[i], 2);
            norm += Math.pow(b[i], 2);
        }
        return Math.sqrt(difference / norm);
    }

    /** Worker 1 after 7 steps: its batches, and its place in the schedule and in the correction of bias. */
    @Test
    void roundsGoOnWhereTheWorkerWas() {
        LocalRound found = train("cpu", 1, LocalTrainer.Limits.steps(STEPS));
        float[] theta = new float[initial.length];
        double loss = 0;
        double norm = 0;
        try (Session session = Engines.named("cpu").open(Programs.training(SPEC, BATCH), SessionOptions.DEFAULT)) {
            session.write(Vector.PARAMETERS, initial);
            for (int step = 8; step < 8 + STEPS; step++) {
                session.clearGradient();
                session.run(batch(1, step - 1));
                loss += session.scalar("total") / STEPS;
                norm += session.update(new AdamW(step, RATE.at(step), 0.9, 0.95, 1e-8, 0.1, 1.0, 1.0)) / STEPS;
            }
            session.read(Vector.PARAMETERS, theta);
        }
        assertThat(found.parameters()).isEqualTo(theta);
        assertThat(found.means().steps()).isEqualTo(STEPS);
        assertThat(found.means().tokens()).isEqualTo(STEPS * BATCH * 12L);
        assertThat(found.means().loss()).isCloseTo(loss, within(1e-12));
        assertThat(found.means().gradientNorm()).isCloseTo(norm, within(1e-12));
        assertThat(found.means().learningRate()).isEqualTo(RATE.at(7 + STEPS));
    }

    @Test
    void timeEndsARoundAfterAtLeastOneStep() {
        LocalRound round = train("cpu", 1, new LocalTrainer.Limits(1000, 0, () -> false));
        assertThat(round.means().steps()).isEqualTo(1);
        assertThat(round.parameters())
                .isEqualTo(train("cpu", 1, LocalTrainer.Limits.steps(1)).parameters());
    }

    @Test
    void aTaskThatIsStoppedMakesNoFurtherStep() {
        int[] asked = new int[1];
        assertThatThrownBy(() -> train("cpu", 1, new LocalTrainer.Limits(1000, 1e9, () -> ++asked[0] > 3)))
                .isInstanceOf(InterruptedRoundException.class);
        assertThat(asked[0]).isEqualTo(4);
    }

    @Test
    void partsThatAreNotEqualAreRefused() {
        assertThatThrownBy(() -> train("cpu", 4, LocalTrainer.Limits.steps(1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("6 sequences cannot be cut into 4 equal parts");
    }
}
