package io.fathom.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fathom.engine.Session.Vector;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.model.Tensor;
import io.fathom.program.Programs;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The update of each engine beside the formula of {@link AdamW} in double, on vectors of awkward sizes. */
class AdamWTest {
    private static final AdamW CLIPPED = new AdamW(1, 3e-2, 0.9, 0.95, 1e-8, 0.1, 1.0, 0.25);
    private static final AdamW FREE = new AdamW(1000, 3e-2, 0.8, 0.999, 1e-3, 0, Double.POSITIVE_INFINITY, 1.0);

    @ParameterizedTest
    @CsvSource({"cpu, 1, 2", "cpu, 2, 13", "cpu, 3, 207", "cpu, 1, 702", "cpu, 2, 4098", "nd4j, 1, 13", "nd4j, 1, 702"})
    void anUpdateIsThatOfTheFormula(String engine, int threads, int vocabulary) {
        ModelSpec spec = new ModelSpec(vocabulary, 3, 4, 2, 1, new Routing.Dense());
        SessionOptions options = new SessionOptions(Precision.FLOAT32, threads, 0);
        for (AdamW step : new AdamW[] {CLIPPED, FREE}) {
            try (Session session = Engines.named(engine).open(Programs.training(spec, 1), options)) {
                update(session, ParameterLayout.of(spec), step);
            }
        }
    }

    private static void update(Session session, ParameterLayout layout, AdamW step) {
        float[] theta = noise(layout, 1, 1);
        float[] gradient = noise(layout, 2, 0.3);
        float[] first = noise(layout, 3, 0.1);
        float[] second = noise(layout, 4, 0.1);
        for (int i = 0; i < second.length; i++) {
            second[i] *= second[i];
        }
        session.write(Vector.PARAMETERS, theta);
        session.write(Vector.GRADIENT, gradient);
        session.write(Vector.FIRST_MOMENT, first);
        session.write(Vector.SECOND_MOMENT, second);

        double norm = step.gradientScale() * norm(gradient);
        assertThat(session.update(step)).isCloseTo(norm, within(1e-6 * norm));

        double clip = step.gradientScale() * Math.min(1, step.clipNorm() / (norm + 1e-6));
        float[] thetaFound = read(session, Vector.PARAMETERS);
        float[] firstFound = read(session, Vector.FIRST_MOMENT);
        float[] secondFound = read(session, Vector.SECOND_MOMENT);
        for (Tensor tensor : layout.tensors()) {
            // Biases and gains are not pulled towards zero.
            double keep = tensor.shape().size() == 1 ? 1 : 1 - step.learningRate() * step.weightDecay();
            for (int i = tensor.offset(); i < tensor.offset() + tensor.length(); i++) {
                double g = clip * gradient[i];
                double m = step.beta1() * first[i] + (1 - step.beta1()) * g;
                double v = step.beta2() * second[i] + (1 - step.beta2()) * g * g;
                double unbiased = Math.sqrt(v / (1 - Math.pow(step.beta2(), step.step())));
                double change = step.learningRate()
                        * (m / (1 - Math.pow(step.beta1(), step.step())))
                        / (unbiased + step.epsilon());
                String where = tensor.name() + " " + i;
                assertThat((double) firstFound[i]).as(where).isCloseTo(m, within(1e-7 + 1e-6 * Math.abs(m)));
                assertThat((double) secondFound[i]).as(where).isCloseTo(v, within(1e-9 + 1e-6 * v));
                assertThat((double) thetaFound[i])
                        .as(where)
                        .isCloseTo(
                                theta[i] * keep - change, within(3e-7 * Math.abs(theta[i]) + 5e-6 * Math.abs(change)));
            }
        }
        assertThat(read(session, Vector.GRADIENT)).as("only read").isEqualTo(gradient);
    }

    private static double norm(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += (double) value * value;
        }
        return Math.sqrt(sum);
    }

    private static float[] read(Session session, Vector vector) {
        float[] values = new float[session.program().layout().size()];
        session.read(vector, values);
        return values;
    }

    /** Noise on the tensors, zero in the padding between them. */
    private static float[] noise(ParameterLayout layout, long seed, double scale) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[layout.size()];
        for (Tensor tensor : layout.tensors()) {
            for (int i = tensor.offset(); i < tensor.offset() + tensor.length(); i++) {
                values[i] = (float) random.nextDouble(-scale, scale);
            }
        }
        return values;
    }
}
