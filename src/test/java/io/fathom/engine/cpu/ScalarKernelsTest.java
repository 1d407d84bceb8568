package io.fathom.engine.cpu;

import static io.fathom.engine.cpu.Workbench.assertTwin;
import static io.fathom.engine.cpu.Workbench.doubles;
import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.model.Noise;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The routers' regularisers, the sum of losses and of lanes, and noise beside naive twins in double, on two lanes. */
class ScalarKernelsTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void balance(int rows) {
        for (double capacity : new double[] {0.125, 1}) {
            try (Workbench bench = new Workbench(rows, 2, 1, 0)) {
                Floats scores = bench.gaussian(rows, 3);
                Floats addend = bench.gaussian(rows, 1);
                Floats loss = bench.zeros(1);
                double[] gradient = doubles(addend);
                double positive = 0;
                double mean = 0;
                for (int i = 0; i < rows; i++) {
                    positive += scores.get(i) > 0 ? 1.0 / rows : 0;
                    mean += 1 / (1 + Math.exp(-scores.get(i))) / rows;
                }
                double twin = positive * mean / capacity;
                double slope = positive / capacity;
                if (capacity < 1) {
                    twin += (1 - positive) * (1 - mean) / (1 - capacity);
                    slope -= (1 - positive) / (1 - capacity);
                }
                for (int i = 0; i < rows; i++) {
                    double s = 1 / (1 + Math.exp(-scores.get(i)));
                    gradient[i] += 0.3 * slope * s * (1 - s) / rows;
                }
                Floats alone = bench.zeros(rows);
                bench.run(
                        new BalanceLossStep(scores, capacity, loss),
                        new BalanceLossGradStep(scores, capacity, 0.3, null, alone),
                        new BalanceLossGradStep(scores, capacity, 0.3, addend, addend));
                assertTwin("loss", loss, new double[] {twin}, 1e-6);
                assertTwin("dScores in the place of the addend", addend, gradient, 1e-6);
                for (int i = 0; i < rows; i++) {
                    assertThat(Math.signum(alone.get(i)))
                            .as("direction at %d", i)
                            .isEqualTo((float) Math.signum(slope));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void meanSquare(int rows) {
        try (Workbench bench = new Workbench(rows, 2, 1, 0)) {
            Floats z = bench.gaussian(rows, 5);
            Floats addend = bench.gaussian(rows, 1);
            Floats loss = bench.zeros(1);
            Floats alone = bench.zeros(rows);
            double[] twin = new double[1];
            double[] slopes = new double[rows];
            double[] gradient = doubles(addend);
            for (int i = 0; i < rows; i++) {
                twin[0] += (double) z.get(i) * z.get(i) / rows;
                slopes[i] = 2 * 0.7 * z.get(i) / rows;
                gradient[i] += slopes[i];
            }
            bench.run(
                    new MeanSquareStep(z, loss),
                    new MeanSquareGradStep(z, 0.7, null, alone),
                    new MeanSquareGradStep(z, 0.7, addend, addend));
            assertTwin("loss", loss, twin, 1e-6);
            assertTwin("dz", alone, slopes, 1e-6);
            assertTwin("dz in the place of the addend", addend, gradient, 1e-6);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702})
    void weightedSum(int count) {
        try (Workbench bench = new Workbench(count, 2, 1, 0)) {
            Floats[] terms = new Floats[count];
            double[] weights = new double[count];
            double[] twin = new double[1];
            for (int i = 0; i < count; i++) {
                terms[i] = bench.gaussian(1, 1);
                weights[i] = 1.0 / (i + 1);
                twin[0] += weights[i] * terms[i].get(0);
            }
            Floats total = bench.zeros(1);
            bench.run(new WeightedSumStep(terms, weights, total));
            assertTwin("total", total, twin, 1e-6);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void partialsOfAllLanes(int length) {
        int at = 3;
        int count = 3;
        try (Workbench bench = new Workbench(length, 1, 1, 0)) {
            Lane[] lanes = new Lane[count];
            for (int i = 0; i < count; i++) {
                lanes[i] = new Lane(i, count, length, bench.gaussian(at + length, 1), bench.zeros(1));
            }
            Floats gradient = bench.gaussian(length, 1);
            double[] twin = doubles(gradient);
            double[] anew = new double[length];
            for (Lane lane : lanes) {
                for (int i = 0; i < length; i++) {
                    twin[i] += lane.partials.get(at + i);
                    anew[i] += lane.partials.get(at + i);
                }
            }
            for (Lane lane : lanes) {
                new AddPartialsStep(lanes, at, gradient, length, Beta.ONE).run(lane);
            }
            assertTwin("gradient", gradient, twin, 1e-6);
            for (Lane lane : lanes) {
                new AddPartialsStep(lanes, at, gradient, length, Beta.ZERO).run(lane);
            }
            assertTwin("gradient anew", gradient, anew, 1e-6);
        }
    }

    /** Which row gets which number, whatever lane draws it. */
    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void noise(int rows) {
        try (Workbench bench = new Workbench(rows, 2, 1, 0)) {
            Floats scores = bench.zeros(rows);
            bench.run(new RandomScoresStep(new long[] {77}, 3, scores));
            for (int row = 0; row < rows; row++) {
                assertThat(scores.get(row)).isEqualTo((float) Noise.gaussian(77, 3, row));
            }
        }
    }
}
