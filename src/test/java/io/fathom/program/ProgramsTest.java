package io.fathom.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.engine.nd4j.Nd4jEngine;
import io.fathom.model.Batch;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.model.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ProgramsTest {
    static List<ModelSpec> specs() {
        return List.of(
                new ModelSpec(11, 6, 8, 2, 2, new Routing.Dense()),
                new ModelSpec(11, 6, 8, 2, 3, new Routing.ExpertChoice(2, 1, 0.5, Gate.SIGMOID, 0.3, true)),
                new ModelSpec(11, 6, 8, 4, 2, new Routing.ExpertChoice(1, 0, 0.34, Gate.TANH, 0.1, true)),
                new ModelSpec(11, 6, 8, 1, 3, new Routing.ExpertChoice(2, 0, 0.2, Gate.RAW, 0, false)),
                new ModelSpec(11, 6, 8, 2, 3, new Routing.ExpertChoice(2, 1, 0.5, Gate.SIGMOID, 0.3, 0.2, true)),
                new ModelSpec(11, 6, 8, 2, 4, new Routing.TokenChoice(2, 1, 0.5, Gate.SIGMOID, 0.4, 0.1)),
                new ModelSpec(11, 6, 8, 2, 3, new Routing.TokenChoice(1, 0, 1, Gate.TANH, 0.4, 0)),
                new ModelSpec(11, 6, 8, 2, 2, new Routing.Stochastic(2, 1, 0.5, Gate.SIGMOID)));
    }

    /**
     * The whole program along random directions in each tensor. What the stop-gradient cuts off is left out of the
     * numeric side too: predictor losses move only with the predictors.
     */
    @ParameterizedTest
    @MethodSource("specs")
    void gradientAgreesWithCentralDifferences(ModelSpec spec) {
        SplittableRandom random = new SplittableRandom(5);
        ParameterLayout layout = ParameterLayout.of(spec);
        double[] theta = new double[layout.size()];
        for (Tensor t : layout.tensors()) {
            for (int i = t.offset(); i < t.offset() + t.length(); i++) {
                theta[i] = 0.3 * random.nextGaussian();
            }
        }
        int sequences = 2;
        int tokens = sequences * spec.context();
        Batch batch = new Batch(
                sequences,
                spec.context(),
                random.ints(tokens, 0, spec.vocabulary()).toArray(),
                random.ints(tokens, 0, spec.vocabulary()).toArray());
        try (Session session = new Nd4jEngine()
                .open(Programs.training(spec, sequences), SessionOptions.DEFAULT.withPrecision(Precision.FLOAT64))) {
            total(session, batch, theta, true);
            double[] gradient = new double[theta.length];
            session.read(Session.Vector.GRADIENT, gradient);
            for (Tensor t : layout.tensors()) {
                double[] direction = new double[theta.length];
                double along = 0;
                for (int i = t.offset(); i < t.offset() + t.length(); i++) {
                    direction[i] = random.nextGaussian();
                    along += direction[i] * gradient[i];
                }
                boolean predictor = t.name().contains(".predictor.");
                double numeric = (total(session, batch, moved(theta, direction, 1e-5), predictor)
                                - total(session, batch, moved(theta, direction, -1e-5), predictor))
                        / 2e-5;
                assertThat(Math.abs(numeric - along))
                        .as("%s of %s: %s, %s", t.name(), spec, along, numeric)
                        .isLessThan(2e-6 * Math.max(1, Math.abs(numeric)));
            }
        }
    }

    private static double[] moved(double[] theta, double[] direction, double by) {
        double[] moved = theta.clone();
        for (int i = 0; i < moved.length; i++) {
            moved[i] += by * direction[i];
        }
        return moved;
    }

    private static double total(Session session, Batch batch, double[] theta, boolean predictorLosses) {
        session.clearGradient();
        session.write(Session.Vector.PARAMETERS, theta);
        session.run(batch);
        boolean withPredictor = session.program().outputs().containsKey("pred");
        return session.scalar("total") - (withPredictor && !predictorLosses ? session.scalar("pred") : 0);
    }

    /** No two values that are needed at the same time share memory, and the arena is smaller than their sum. */
    @ParameterizedTest
    @MethodSource("specs")
    void memoryPlanKeepsLiveValuesApart(ModelSpec spec) {
        for (Program program : List.of(Programs.training(spec, 3), Programs.inference(spec, 3))) {
            Map<Value, int[]> life = lives(program);
            List<Value> values = new ArrayList<>(life.keySet());
            for (int i = 0; i < values.size(); i++) {
                for (int j = 0; j < i; j++) {
                    Value a = values.get(i);
                    Value b = values.get(j);
                    long aFrom = program.memory().offset(a);
                    long bFrom = program.memory().offset(b);
                    boolean apart = aFrom + program.memory().length(a) <= bFrom
                            || bFrom + program.memory().length(b) <= aFrom;
                    int[] aLife = Objects.requireNonNull(life.get(a));
                    int[] bLife = Objects.requireNonNull(life.get(b));
                    boolean together = aLife[0] <= bLife[1] && bLife[0] <= aLife[1];
                    boolean handedOver = handedOver(program, a, b) || handedOver(program, b, a);
                    assertThat(apart || !together || handedOver)
                            .as("%s %s", a, b)
                            .isTrue();
                }
                assertThat(program.memory().offset(values.get(i))
                                + program.memory().length(values.get(i)))
                        .isLessThanOrEqualTo(program.memory().elements());
            }
            assertThat(program.memory().elements()).isLessThan(program.memory().unshared());
        }
    }

    /** Whether {@code next} takes the place of {@code before} in the instruction that reads it last. */
    private static boolean handedOver(Program program, Value before, Value next) {
        int last = Objects.requireNonNull(lives(program).get(before))[1];
        return last < program.instructions().size()
                && program.instructions().get(last).writes().contains(next)
                && program.instructions().get(last).inPlace().contains(before);
    }

    private static Map<Value, int[]> lives(Program program) {
        Map<Value, int[]> life = new HashMap<>();
        for (int i = 0; i < program.instructions().size(); i++) {
            int at = i;
            Instruction instruction = program.instructions().get(i);
            for (Value written : instruction.writes()) {
                if (written.storage() == Value.Storage.ACTIVATION) {
                    life.put(written, new int[] {at, at});
                }
            }
            for (Value read : instruction.reads()) {
                life.computeIfPresent(read, (value, span) -> new int[] {span[0], at});
            }
        }
        program.outputs()
                .values()
                .forEach(output -> life.computeIfPresent(output, (value, span) ->
                        new int[] {span[0], program.instructions().size()}));
        return life;
    }
}
