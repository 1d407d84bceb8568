package io.fathom.engine.cpu;

import static io.fathom.engine.cpu.Workbench.assertTwin;
import static io.fathom.engine.cpu.Workbench.doubles;
import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.model.Gate;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernels of routing beside naive twins in double, over awkward sizes, on two lanes. */
class RoutingKernelsTest {
    private static final int SEQUENCES = 3;
    private static final int WIDTH = 10;

    /** Scores of few different values, so that ties abound, zeros of both signs among them. */
    private static Floats tied(Workbench bench, int rows) {
        Floats scores = bench.gaussian(rows, 2);
        for (int i = 0; i < rows; i++) {
            scores.put(i, Math.round(scores.get(i)));
        }
        scores.put(0, -0f);
        return scores;
    }

    private static int[] topK(Floats scores, int sequence, int length, int k) {
        return IntStream.range(sequence * length, (sequence + 1) * length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer row) -> -(scores.get(row) + 0.0)))
                .limit(k)
                .mapToInt(row -> row)
                .sorted()
                .toArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void topKIsExactAndStable(int length) {
        try (Workbench bench = new Workbench(length, 2, length, 0)) {
            int k = Math.max(1, length / 4);
            Floats mask = bench.zeros(SEQUENCES * length);
            int[] index = new int[SEQUENCES * k];
            for (Floats scores : new Floats[] {
                tied(bench, SEQUENCES * length), bench.gaussian(SEQUENCES * length, 1), bench.zeros(SEQUENCES * length)
            }) {
                bench.run(new TopKStep(scores, index, mask, SEQUENCES, length, k, false));
                for (int s = 0; s < SEQUENCES; s++) {
                    assertThat(Arrays.copyOfRange(index, s * k, (s + 1) * k)).isEqualTo(topK(scores, s, length, k));
                }
                float[] chosen = new float[SEQUENCES * length];
                for (int row : index) {
                    chosen[row] = 1;
                }
                for (int row = 0; row < chosen.length; row++) {
                    assertThat(mask.get(row)).isEqualTo(chosen[row]);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Gate.class)
    void gatherAndScatter(Gate gate) {
        for (int length : new int[] {1, 13, 207, 702, 4098}) {
            gatherAndScatter(gate, length);
        }
    }

    private static void gatherAndScatter(Gate gate, int length) {
        int k = Math.max(1, length / 3);
        int rows = SEQUENCES * length;
        try (Workbench bench = new Workbench(length, 2, rows * WIDTH, 0)) {
            Floats scores = bench.gaussian(rows, 1);
            Floats x = bench.gaussian(rows * WIDTH, 1);
            Floats delta = bench.gaussian(SEQUENCES * k * WIDTH, 1);
            Floats dy = bench.gaussian(rows * WIDTH, 1);
            Floats addend = bench.gaussian(rows, 1);
            int[] index = new int[SEQUENCES * k];
            for (int s = 0; s < SEQUENCES; s++) {
                System.arraycopy(topK(scores, s, length, k), 0, index, s * k, k);
            }
            double[] gathered = new double[index.length * WIDTH];
            double[] scattered = doubles(x);
            double[] dDelta = new double[gathered.length];
            double[] dScores = doubles(addend);
            double[] dx = new double[rows * WIDTH];
            for (int i = 0; i < index.length; i++) {
                double r = scores.get(index[i]);
                for (int j = 0; j < WIDTH; j++) {
                    int at = index[i] * WIDTH + j;
                    gathered[i * WIDTH + j] = x.get(at);
                    scattered[at] += gate.apply(r) * delta.get(i * WIDTH + j);
                    dDelta[i * WIDTH + j] = gate.apply(r) * dy.get(at);
                    dScores[index[i]] += gate.derivative(r) * dy.get(at) * delta.get(i * WIDTH + j);
                    dx[at] = delta.get(i * WIDTH + j);
                }
            }
            Floats y = bench.zeros(gathered.length);
            Floats dDeltaOut = bench.zeros(gathered.length);
            Floats dxOut = bench.gaussian(rows * WIDTH, 1);
            bench.run(
                    new GatherStep(x, index, y, WIDTH),
                    new ScatterGatedGradStep(
                            index, scores, delta, gate, false, dy, addend, dDeltaOut, addend, rows, WIDTH),
                    new GatherGradStep(index, delta, null, dxOut, rows, WIDTH),
                    new ScatterGatedStep(x, index, scores, delta, gate, false, x, rows, WIDTH));
            assertTwin("gather", y, gathered, 0);
            assertTwin("scatter", x, scattered, 1e-6);
            assertTwin("dDelta", dDeltaOut, dDelta, 1e-6);
            assertTwin("dScores", addend, dScores, 1e-5);
            assertTwin("dx", dxOut, dx, 0);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void routerScores(int rows) {
        try (Workbench bench = new Workbench(rows, 2, WIDTH, 0)) {
            Floats x = bench.gaussian(rows * WIDTH, 1);
            Floats w = bench.gaussian(WIDTH, 1);
            Floats dScores = bench.gaussian(rows, 1);
            Floats addend = bench.gaussian(rows * WIDTH, 1);
            Floats dW = bench.gaussian(WIDTH, 1);
            Floats scores = bench.zeros(rows);
            Floats dx = bench.zeros(rows * WIDTH);
            double[] twin = new double[rows];
            double[] dxTwin = doubles(addend);
            double[] dWTwin = doubles(dW);
            for (int i = 0; i < rows * WIDTH; i++) {
                twin[i / WIDTH] += (double) x.get(i) * w.get(i % WIDTH);
                dxTwin[i] += (double) dScores.get(i / WIDTH) * w.get(i % WIDTH);
                dWTwin[i % WIDTH] += (double) dScores.get(i / WIDTH) * x.get(i);
            }
            bench.run(
                    new RouterScoresStep(x, w, scores, rows, WIDTH),
                    new RouterScoresGradStep(x, w, dScores, addend, dx, dW, rows, WIDTH, Beta.ONE));
            assertTwin("scores", scores, twin, 1e-6);
            assertTwin("dx", dx, dxTwin, 1e-6);
            assertTwin("dW", dW, dWTwin, 1e-5);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void binaryCrossEntropy(int rows) {
        try (Workbench bench = new Workbench(rows, 2, 1, 0)) {
            Floats z = bench.gaussian(rows, 20);
            Floats mask = bench.zeros(rows);
            Floats addend = bench.gaussian(rows, 1);
            Floats loss = bench.zeros(1);
            double[] gradient = doubles(addend);
            double sum = 0;
            for (int i = 0; i < rows; i++) {
                mask.put(i, i % 3 == 0 ? 1 : 0);
                double v = z.get(i);
                sum += Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))) - mask.get(i) * v;
                gradient[i] += 0.3 / rows * (1 / (1 + Math.exp(-v)) - mask.get(i));
            }
            bench.run(
                    new BinaryCrossEntropyStep(z, mask, loss),
                    new BinaryCrossEntropyGradStep(z, mask, 0.3, addend, addend));
            assertTwin("loss", loss, new double[] {sum / rows}, 1e-6);
            assertTwin("dz", addend, gradient, 1e-6);
        }
    }
}
