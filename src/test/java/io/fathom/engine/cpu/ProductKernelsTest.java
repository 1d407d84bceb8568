package io.fathom.engine.cpu;

import static io.fathom.engine.cpu.Workbench.assertTwin;
import static io.fathom.engine.cpu.Workbench.doubles;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Matrix products, attention and the head beside naive twins in double, over awkward sizes, on two lanes. */
class ProductKernelsTest {
    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, false, false",
        "13, 207, 5, false, true",
        "207, 13, 31, true, false",
        "5, 702, 13, false, false",
        "702, 3, 7, true, true",
        "3, 4098, 2, false, false",
        "4098, 2, 3, false, true"
    })
    void matMul(int m, int n, int k, boolean transposeA, boolean transposeB) {
        try (Workbench bench = new Workbench(m + n + k, 2, n, 0)) {
            Floats a = bench.gaussian(m * k, 1);
            Floats b = bench.gaussian(k * n, 1);
            Floats bias = bench.gaussian(n, 1);
            Floats addend = bench.gaussian(m * n, 1);
            Floats c = bench.gaussian(m * n, 1);
            double[] product = new double[m * n];
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    for (int l = 0; l < k; l++) {
                        product[i * n + j] += (double) a.get(transposeA ? l * m + i : i * k + l)
                                * b.get(transposeB ? j * k + l : l * n + j);
                    }
                }
            }
            int strideA = transposeA ? m : k;
            int strideB = transposeB ? k : n;
            double[] accumulated = plus(product, null, c, n);
            bench.run(new MatMulStep(
                    a, strideA, transposeA, b, strideB, transposeB, null, null, c, n, m, n, k, Beta.ONE));
            assertTwin("c += a b", c, accumulated, 1e-5);
            bench.run(new MatMulStep(
                    a, strideA, transposeA, b, strideB, transposeB, null, null, c, n, m, n, k, Beta.ZERO));
            assertTwin("a b", c, product, 1e-5);
            double[] all = plus(product, bias, addend, n);
            bench.run(new MatMulStep(
                    a, strideA, transposeA, b, strideB, transposeB, bias, addend, c, n, m, n, k, Beta.ZERO));
            assertTwin("a b + bias + addend", c, all, 1e-5);
            bench.run(new MatMulStep(
                    a, strideA, transposeA, b, strideB, transposeB, bias, addend, addend, n, m, n, k, Beta.ZERO));
            assertTwin("the same in the addend's place", addend, all, 1e-5);
            bench.run(new MatMulStep(
                    a, strideA, transposeA, b, strideB, transposeB, bias, null, c, n, m, n, k, Beta.ZERO));
            assertTwin("a b + bias", c, plus(product, bias, null, n), 1e-5);
            Panel b1 = transposeB ? new Panel(b.at(0), n, k, k, 1).transposed() : Panel.of(b, 0, k, n, n);
            bench.run(bench.oneDnn(
                    m,
                    (p, from, rows) -> p.product(
                            rows(a, from, rows, m, k, transposeA),
                            b1,
                            Panel.of(c, (long) from * n, rows, n, n),
                            Panel.of(bias, 0, 1, n, n))));
            assertTwin("a b + bias by oneDNN", c, plus(product, bias, null, n), 1e-5);
            bench.run(bench.oneDnn(
                    m,
                    (p, from, rows) -> p.product(
                            rows(a, from, rows, m, k, transposeA),
                            b1,
                            Panel.of(addend, (long) from * n, rows, n, n),
                            null,
                            new PostOp.Accumulate())));
            assertTwin("c += a b by oneDNN", addend, sum(all, product), 1e-5);
        }
    }

    /** Rows apart by more than their columns, as {@code RowStrides} lays them; what lies between is left or lost. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "13, 207, 5", "207, 13, 31", "5, 702, 13", "4098, 2, 3"})
    void rowsApart(int m, int n, int k) {
        int gap = 3;
        try (Workbench bench = new Workbench(m + n + k, 2, n + gap, 0)) {
            Floats a = bench.gaussian(m * (k + gap), 1);
            Floats b = bench.gaussian(k * (n + gap), 1);
            Floats bias = bench.gaussian(n, 1);
            Floats c = bench.gaussian(m * (n + gap), 1);
            double[] product = new double[m * n];
            for (int i = 0; i < m * n; i++) {
                for (int l = 0; l < k; l++) {
                    product[i] += (double) a.get(i / n * (k + gap) + l) * b.get(l * (n + gap) + i % n);
                }
            }
            double[] all = plus(product, bias, null, n);
            bench.run(new MatMulStep(a, k + gap, false, b, n + gap, false, bias, null, c, n + gap, m, n, k, Beta.ZERO));
            assertTwin("a b + bias", dense(c, m, n, gap), all, 1e-5);
            bench.run(new MatMulStep(a, k + gap, false, b, n + gap, false, null, null, c, n + gap, m, n, k, Beta.ONE));
            assertTwin("c += a b", dense(c, m, n, gap), sum(all, product), 1e-5);
            bench.run(bench.oneDnn(
                    m,
                    (p, from, rows) -> p.product(
                            Panel.of(a, (long) from * (k + gap), rows, k, k + gap),
                            Panel.of(b, 0, k, n, n + gap),
                            Panel.of(c, (long) from * (n + gap), rows, n, n + gap),
                            Panel.of(bias, 0, 1, n, n))));
            assertTwin("a b + bias by oneDNN", dense(c, m, n, gap), all, 1e-5);
        }
    }

    private static double[] dense(Floats c, int m, int n, int gap) {
        double[] dense = new double[m * n];
        Arrays.setAll(dense, i -> c.get(i / n * (n + gap) + i % n));
        return dense;
    }

    private static double[] sum(double[] a, double[] b) {
        double[] sum = a.clone();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += b[i];
        }
        return sum;
    }

    /** {@code n} rows of op(a) from {@code from} on; op(a) is m x k. */
    private static Panel rows(Floats a, int from, int n, int m, int k, boolean transposed) {
        return transposed ? new Panel(a.at(from), k, n, m, 1).transposed() : Panel.of(a, (long) from * k, n, k, k);
    }

    private static double[] plus(double[] product, @Nullable Floats bias, @Nullable Floats addend, int columns) {
        double[] sum = product.clone();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += (bias == null ? 0 : bias.get(i % columns)) + (addend == null ? 0 : addend.get(i));
        }
        return sum;
    }

    @ParameterizedTest
    @CsvSource({
        "1, 3, 2, 4, 1",
        "13, 2, 3, 5, 1",
        "207, 1, 2, 8, 1",
        "702, 1, 1, 4, 1",
        "4098, 1, 1, 2, 1",
        // Scores so far apart that rows need a shift of their own.
        "207, 1, 2, 8, 12"
    })
    void attention(int length, int sequences, int heads, int headWidth, double scale) {
        int width = heads * headWidth;
        AttentionShape shape = new AttentionShape(sequences, length, heads, width);
        try (Workbench bench = new Workbench(length, 2, length, shape.scratch())) {
            int rows = sequences * length;
            Floats qkv = bench.gaussian(rows * 3 * width, scale);
            Floats dy = bench.gaussian(rows * width, 1);
            Floats y = bench.zeros(rows * width);
            Floats logSumExp = bench.zeros(rows * heads);
            Floats dqkv = bench.gaussian(rows * 3 * width, 1);
            AttentionTwin twin = new AttentionTwin(doubles(qkv), doubles(dy), sequences, length, heads, headWidth);
            bench.run(new AttentionStep(qkv, y, logSumExp, shape));
            assertTwin("y", y, twin.y, 1e-5);
            assertTwin("logSumExp", logSumExp, twin.logSumExp, 2e-6);
            Floats ones = bench.zeros(headWidth);
            for (int i = 0; i < headWidth; i++) {
                ones.put(i, 1f);
            }
            bench.run(new AttentionGradStep(qkv, y, logSumExp, dy, ones, dqkv, shape));
            assertTwin("dqkv", dqkv, twin.dqkv, scale > 1 ? 2e-4 : 2e-5);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 13, 207, 702, 4098})
    void head(int vocabulary) {
        int rows = 11;
        int width = 6;
        int block = 4;
        double weight = 0.7;
        try (Workbench bench = new Workbench(vocabulary, 2, vocabulary, 0)) {
            Floats x = bench.gaussian(rows * width, 1);
            Floats table = bench.gaussian(vocabulary * width, 3);
            int[] targets = bench.ints(rows, vocabulary);
            Floats losses = bench.zeros(rows);
            Floats dx = bench.zeros(rows * width);
            Floats dTable = bench.gaussian(vocabulary * width, 1);
            Floats logits = bench.zeros(block * vocabulary);
            double[] lossTwin = new double[rows];
            double[] dxTwin = new double[rows * width];
            double[] dTableTwin = doubles(dTable);
            for (int r = 0; r < rows; r++) {
                double[] z = new double[vocabulary];
                double sum = 0;
                for (int v = 0; v < vocabulary; v++) {
                    for (int i = 0; i < width; i++) {
                        z[v] += (double) x.get(r * width + i) * table.get(v * width + i);
                    }
                    sum += Math.exp(z[v]);
                }
                lossTwin[r] = Math.log(sum) - z[targets[r]];
                for (int v = 0; v < vocabulary; v++) {
                    double dz = weight / rows * (Math.exp(z[v]) / sum - (v == targets[r] ? 1 : 0));
                    for (int i = 0; i < width; i++) {
                        dxTwin[r * width + i] += dz * table.get(v * width + i);
                        dTableTwin[v * width + i] += dz * x.get(r * width + i);
                    }
                }
            }
            for (int first = 0; first < rows; first += block) {
                int n = Math.min(block, rows - first);
                bench.run(
                        new HeadRowsStep(
                                x, table, targets, weight, losses, dx, logits, rows, first, n, width, vocabulary),
                        new HeadTableStep(x, dTable, logits, first, n, width, vocabulary, Beta.ONE));
            }
            assertTwin("losses", losses, lossTwin, 1e-5);
            assertTwin("dx", dx, dxTwin, 2e-5);
            assertTwin("dTable", dTable, dTableTwin, 1e-5);
            crossEntropy(bench, x, table, targets, lossTwin, rows, width, vocabulary);
        }
    }

    /** The same losses with whole logits, as inference has them; their gradient sums to 0 along a row. */
    private static void crossEntropy(
            Workbench bench,
            Floats x,
            Floats table,
            int[] targets,
            double[] twin,
            int rows,
            int width,
            int vocabulary) {
        Floats logits = bench.zeros(rows * vocabulary);
        Floats losses = bench.zeros(rows);
        Floats logSumExp = bench.zeros(rows);
        Floats mean = bench.zeros(1);
        bench.run(
                new MatMulStep(
                        x,
                        width,
                        false,
                        table,
                        width,
                        true,
                        null,
                        null,
                        logits,
                        vocabulary,
                        rows,
                        vocabulary,
                        width,
                        Beta.ZERO),
                new CrossEntropyStep(logits, targets, losses, logSumExp, rows, vocabulary),
                new MeanStep(losses, mean));
        assertTwin("losses", losses, twin, 1e-5);
        double sum = 0;
        for (double loss : twin) {
            sum += loss;
        }
        assertThat((double) mean.get(0)).isCloseTo(sum / rows, org.assertj.core.data.Offset.offset(1e-5 * sum / rows));
        bench.run(new CrossEntropyGradStep(logits, targets, logSumExp, 1, logits, rows, vocabulary));
        for (int r = 0; r < rows; r++) {
            double row = 0;
            for (int v = 0; v < vocabulary; v++) {
                row += logits.get(r * vocabulary + v);
            }
            assertThat(row).as("row %d", r).isCloseTo(0, org.assertj.core.data.Offset.offset(1e-5));
            assertThat(logits.get(r * vocabulary + targets[r])).isNegative();
        }
    }

    @Test
    void logarithmAndExponential() {
        float[] x = new float[2000];
        for (int i = 0; i < x.length; i++) {
            x[i] = -0.04f * i;
            float sum = (float) Math.exp(0.02 * i);
            assertThat((double) Vectors.log(sum))
                    .isCloseTo(Math.log(sum), org.assertj.core.data.Offset.offset(1e-6 + 1e-7 * Math.log(sum)));
        }
        Vectors.expOfShifted(x, 0, x.length, 0f);
        for (int i = 0; i < 500; i++) {
            double twin = Math.exp((double) (-0.04f * i));
            assertThat((double) x[i]).isCloseTo(twin, org.assertj.core.data.Offset.offset(1e-5 * twin));
        }
    }

    @Test
    void exponentialsOfParts() {
        int n = 4000;
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (1 - 0.04f * i) * Vectors.PART;
        }
        float[] parts = x.clone();
        float[] sums = new float[n];
        Vectors.sumExponentials(x, new float[n], sums, n);
        assertThat(sums).isEqualTo(x);
        for (int i = 0; i < n; i++) {
            double twin = Math.exp(parts[i] / (double) Vectors.PART);
            assertThat((double) x[i]).isCloseTo(twin, org.assertj.core.data.Offset.offset(3e-6 * twin + 5e-9));
            // A hundred times slower than others, and what is masked lies far below.
            assertThat(x[i]).as("subnormal").isGreaterThanOrEqualTo(Float.MIN_NORMAL);
        }
    }
}
