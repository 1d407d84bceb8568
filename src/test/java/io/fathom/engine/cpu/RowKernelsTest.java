package io.fathom.engine.cpu;

import static io.fathom.engine.cpu.Workbench.assertTwin;
import static io.fathom.engine.cpu.Workbench.doubles;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Kernels that work by row or by element beside naive twins in double, over awkward sizes, on two lanes. */
class RowKernelsTest {
    private static final double ROOT = Math.sqrt(2 / Math.PI);

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void gelu(int n) {
        try (Workbench bench = new Workbench(n, 2, n, 0)) {
            Floats x = bench.gaussian(n, 3);
            Floats dy = bench.gaussian(n, 1);
            Floats y = bench.zeros(n);
            Floats dx = bench.zeros(n);
            double[] in = doubles(x);
            double[] twin = new double[n];
            double[] slopes = new double[n];
            double[] gradient = new double[n];
            for (int i = 0; i < n; i++) {
                double t = Math.tanh(ROOT * (in[i] + 0.044715 * in[i] * in[i] * in[i]));
                twin[i] = 0.5 * in[i] * (1 + t);
                slopes[i] = 0.5 * (1 + t) + 0.5 * in[i] * (1 - t * t) * ROOT * (1 + 3 * 0.044715 * in[i] * in[i]);
                gradient[i] = dy.get(i) * slopes[i];
            }
            bench.run(new GeluStep(x, y, n), new GeluGradStep(x, dy, dx, n));
            assertTwin("y", y, twin, 2e-6);
            assertTwin("dx", dx, gradient, 2e-6);
            bench.run(
                    bench.oneDnn(n, (p, from, m) -> p.gelu(x.at(from), y.at(from), m)),
                    bench.oneDnn(n, (p, from, m) -> p.geluGrad(x.at(from), dy.at(from), dy.at(from), m)));
            assertTwin("y by oneDNN", y, twin, 2e-6);
            assertTwin("dx by oneDNN, in the place of dy", dy, gradient, 2e-6);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void silu(int n) {
        try (Workbench bench = new Workbench(n, 2, n, 0)) {
            Floats x = bench.gaussian(n, 5);
            Floats dy = bench.gaussian(n, 1);
            Floats y = bench.zeros(n);
            double[] in = doubles(x);
            double[] twin = new double[n];
            double[] gradient = new double[n];
            for (int i = 0; i < n; i++) {
                double s = 1 / (1 + Math.exp(-in[i]));
                twin[i] = in[i] * s;
                gradient[i] = dy.get(i) * s * (1 + in[i] * (1 - s));
            }
            bench.run(new SiluStep(x, y, n), new SiluGradStep(x, dy, dy, n));
            assertTwin("y", y, twin, 5e-6);
            assertTwin("dx", dy, gradient, 5e-6);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void addAndZero(int n) {
        try (Workbench bench = new Workbench(n, 2, n, 0)) {
            Floats a = bench.gaussian(n, 1);
            Floats b = bench.gaussian(n, 1);
            double[] twin = new double[n];
            Arrays.setAll(twin, i -> (double) a.get(i) + b.get(i));
            bench.run(new AddStep(a, b, a, n), new ZeroStep(b, Beta.ZERO), new ZeroStep(a, Beta.ONE));
            assertTwin("a + b in the place of a", a, twin, 1e-7);
            assertThat(doubles(b)).containsOnly(0.0);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void layerNormByWidth(int width) {
        layerNorm(5, width);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void layerNormByRows(int rows) {
        layerNorm(rows, 24);
    }

    private static void layerNorm(int rows, int width) {
        try (Workbench bench = new Workbench(rows + width, 2, width, 0)) {
            int n = rows * width;
            Floats x = bench.gaussian(n, 2);
            Floats gain = bench.gaussian(width, 1);
            Floats bias = bench.gaussian(width, 1);
            Floats dy = bench.gaussian(n, 1);
            Floats addend = bench.gaussian(n, 1);
            Floats originalAddend = bench.copy(addend);
            Floats y = bench.zeros(n);
            Floats mean = bench.zeros(rows);
            Floats rstd = bench.zeros(rows);
            double[] twin = new double[n];
            double[] dx = new double[n];
            double[] dGain = new double[width];
            double[] dBias = new double[width];
            for (int r = 0; r < rows; r++) {
                double m = 0;
                double v = 0;
                for (int i = 0; i < width; i++) {
                    m += (double) x.get(r * width + i) / width;
                }
                for (int i = 0; i < width; i++) {
                    v += Math.pow(x.get(r * width + i) - m, 2) / width;
                }
                double s = 1 / Math.sqrt(v + 1e-5);
                double u = 0;
                double ux = 0;
                for (int i = 0; i < width; i++) {
                    double hat = (x.get(r * width + i) - m) * s;
                    double d = dy.get(r * width + i);
                    twin[r * width + i] = hat * gain.get(i) + bias.get(i);
                    u += d * gain.get(i) / width;
                    ux += d * gain.get(i) * hat / width;
                    dGain[i] += d * hat;
                    dBias[i] += d;
                }
                for (int i = 0; i < width; i++) {
                    double hat = (x.get(r * width + i) - m) * s;
                    dx[r * width + i] =
                            s * (dy.get(r * width + i) * gain.get(i) - u - hat * ux) + addend.get(r * width + i);
                }
            }
            bench.run(
                    new LayerNormStep(x, gain, bias, 1e-5, y, mean, rstd, rows, width),
                    new LayerNormGradStep(x, gain, mean, rstd, dy, addend, addend, 0, width, rows, width));
            assertTwin("y", y, twin, 2e-6);
            assertTwin("dx", addend, dx, 1e-5);
            assertTwin("dGain", bench.partials(0, width), dGain, 1e-5);
            assertTwin("dBias", bench.partials(width, width), dBias, 1e-5);
            Floats variance = bench.zeros(rows);
            Floats out = bench.zeros(n);
            bench.run(
                    bench.oneDnn(
                            rows,
                            (p, from, m) -> p.layerNorm(
                                    Panel.of(x, (long) from * width, m, width, width),
                                    gain.at(0),
                                    bias.at(0),
                                    1e-5,
                                    y.at((long) from * width),
                                    mean.at(from),
                                    variance.at(from))),
                    bench.oneDnn(
                            rows,
                            (p, lane, from, m) -> p.layerNormGrad(
                                    Panel.of(x, (long) from * width, m, width, width),
                                    gain.at(0),
                                    1e-5,
                                    mean.at(from),
                                    variance.at(from),
                                    dy.at((long) from * width),
                                    out.at((long) from * width),
                                    lane.partials.at(0),
                                    lane.partials.at(width))),
                    bench.oneDnn(n, (p, from, m) -> p.sum(out.at(from), originalAddend.at(from), out.at(from), m)));
            assertTwin("y by oneDNN", y, twin, 2e-6);
            assertTwin("dx by oneDNN", out, dx, 1e-5);
            assertTwin("dGain by oneDNN", bench.partials(0, width), dGain, 1e-5);
            assertTwin("dBias by oneDNN", bench.partials(width, width), dBias, 1e-5);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void columnSum(int rows) {
        int columns = 37;
        try (Workbench bench = new Workbench(rows, 2, columns, 0)) {
            int stride = columns + 5;
            Floats dy = bench.gaussian(rows * stride, 1);
            Floats ones = bench.zeros(rows);
            Floats dBias = bench.gaussian(columns, 1);
            double[] twin = new double[columns];
            double[] added = doubles(dBias);
            for (int i = 0; i < rows * columns; i++) {
                twin[i % columns] += dy.get(i / columns * stride + i % columns);
                added[i % columns] += dy.get(i / columns * stride + i % columns);
            }
            for (int i = 0; i < rows; i++) {
                ones.put(i, 1);
            }
            bench.run(new ColumnSumStep(dy, stride, ones, dBias, rows, columns, Beta.ONE));
            assertTwin("dBias", dBias, added, 1e-5);
            bench.run(new ColumnSumStep(dy, stride, ones, dBias, rows, columns, Beta.ZERO));
            assertTwin("dBias anew", dBias, twin, 1e-5);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 207, 702, 4098})
    void embedding(int rows) {
        int length = rows % 2 == 0 ? rows / 2 : rows;
        int width = 12;
        int vocabulary = 29;
        try (Workbench bench = new Workbench(rows, 2, width, 0)) {
            int[] tokens = bench.ints(rows, vocabulary);
            Floats table = bench.gaussian(vocabulary * width, 1);
            Floats positions = bench.gaussian(length * width, 1);
            Floats out = bench.zeros(rows * width);
            Floats dOut = bench.gaussian(rows * width, 1);
            Floats dTable = bench.gaussian(vocabulary * width, 1);
            Floats dPositions = bench.gaussian(length * width, 1);
            double[] twin = new double[rows * width];
            double[] dTokenTwin = doubles(dTable);
            double[] dPositionTwin = doubles(dPositions);
            for (int r = 0; r < rows; r++) {
                for (int i = 0; i < width; i++) {
                    int ofToken = tokens[r] * width + i;
                    int ofPosition = r % length * width + i;
                    twin[r * width + i] = (double) table.get(ofToken) + positions.get(ofPosition);
                    dTokenTwin[ofToken] += dOut.get(r * width + i);
                    dPositionTwin[ofPosition] += dOut.get(r * width + i);
                }
            }
            bench.run(
                    new EmbeddingStep(tokens, table, positions, out, length, width),
                    new EmbeddingGradStep(tokens, dOut, dTable, dPositions, length, width, Beta.ONE));
            assertTwin("out", out, twin, 1e-6);
            assertTwin("dTokenTable", dTable, dTokenTwin, 1e-5);
            assertTwin("dPositionTable", dPositions, dPositionTwin, 1e-5);
            double[] anew = new double[length * width];
            for (int i = 0; i < rows * width; i++) {
                anew[i % (length * width)] += dOut.get(i);
            }
            bench.run(new EmbeddingGradStep(tokens, dOut, dTable, dPositions, length, width, Beta.ZERO));
            assertTwin("dPositionTable anew", dPositions, anew, 1e-5);
        }
    }
}
