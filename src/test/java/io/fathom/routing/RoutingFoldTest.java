package io.fathom.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fathom.model.ModelSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Folds against twins that hold everything in memory and follow the definitions word by word. */
class RoutingFoldTest {
    private static final String TEXT = "The cat, 3 dogs and a mouse sat on 1 mat.\n";
    private static final int S = 16;
    private static final ModelSpec SPEC = SyntheticTraces.model(S, 6, 0.25, true);
    private static final List<RoutingTrace> TRACES = SyntheticTraces.of(SPEC, TEXT, 37, 5);

    private static RoutingFold fold(List<RoutingTrace> traces) {
        RoutingFold fold = new RoutingFold(SPEC, 20, 2);
        traces.forEach(fold::add);
        return fold;
    }

    private static double sigmoid(double r) {
        return 1 / (1 + Math.exp(-r));
    }

    @Test
    void layerRatesThresholdsAndEntropies() {
        RoutingFold fold = fold(TRACES);
        for (int l = 0; l < 3; l++) {
            LayerFold layer = fold.layers().get(l);
            double binary = 0;
            double softmax = 0;
            double threshold = 0;
            double margin = 0;
            double least = Double.MAX_VALUE;
            double above = 0;
            for (RoutingTrace trace : TRACES) {
                double[] sorted = trace.layers().get(l).scores().clone();
                Arrays.sort(sorted);
                threshold += sorted[S - 4];
                margin += sorted[S - 4] - sorted[S - 5];
                least = Math.min(least, sorted[S - 4] - sorted[S - 5]);
                double z = Arrays.stream(sorted).map(Math::exp).sum();
                for (double r : sorted) {
                    double p = sigmoid(r);
                    binary -= (p * Math.log(p) + (1 - p) * Math.log(1 - p)) / Math.log(2);
                    softmax -= Math.exp(r) / z * Math.log(Math.exp(r) / z) / Math.log(S);
                    above += p > 0.5 ? 1 : 0;
                }
            }
            int n = TRACES.size();
            assertThat(layer.block()).isEqualTo(2 * l + 1);
            assertThat(layer.rate()).isEqualTo(0.25);
            assertThat(layer.meanSelected()).isEqualTo(4);
            assertThat(layer.meanSquaredSelected()).isEqualTo(16);
            assertThat(layer.threshold()).isCloseTo(threshold / n, within(1e-12));
            assertThat(layer.margin()).isCloseTo(margin / n, within(1e-12));
            assertThat(layer.leastMargin()).isEqualTo(least);
            assertThat(layer.binaryEntropyBits()).isCloseTo(binary / (n * S), within(1e-12));
            assertThat(layer.softmaxEntropy()).isCloseTo(softmax / n, within(1e-12));
            assertThat(layer.aboveHalf()).isEqualTo(above / (n * S));
        }
    }

    @Test
    void causalRulesAgainstTopK() {
        CausalFold rule = fold(TRACES).layers().get(1).predictor().orElseThrow();
        double taken = 0;
        double squares = 0;
        double right = 0;
        double hits = 0;
        long fewest = S;
        long most = 0;
        for (RoutingTrace trace : TRACES) {
            RoutingTrace.Layer layer = trace.layers().get(1);
            double[] logits = layer.predictor().orElseThrow();
            long n = IntStream.range(0, S).filter(t -> logits[t] > 0).count();
            taken += n;
            squares += n * n;
            fewest = Math.min(fewest, n);
            most = Math.max(most, n);
            right += IntStream.range(0, S)
                    .filter(t -> logits[t] > 0 == layer.selected()[t])
                    .count();
            hits += IntStream.range(0, S)
                    .filter(t -> logits[t] > 0 && layer.selected()[t])
                    .count();
        }
        double n = TRACES.size();
        assertThat(rule.rate()).isEqualTo(taken / (n * S));
        assertThat(rule.meanTaken()).isEqualTo(taken / n);
        assertThat(rule.meanSquaredTaken()).isEqualTo(squares / n);
        assertThat(rule.fewest()).isEqualTo(fewest);
        assertThat(rule.most()).isEqualTo(most).isGreaterThan(fewest);
        assertThat(rule.accuracy()).isEqualTo(right / (n * S)).isGreaterThan(rule.bypassBaseline());
        assertThat(rule.bypassBaseline()).isEqualTo(0.75);
        assertThat(rule.precision()).isEqualTo(hits / taken);
        assertThat(rule.recall()).isEqualTo(hits / (n * 4));
        assertThat(rule.f1()).isCloseTo(2 / (1 / rule.precision() + 1 / rule.recall()), within(1e-12));
    }

    @Test
    void depthAndItsRankCorrelationWithLoss() {
        DepthFold depth = fold(TRACES).depth();
        List<double[]> pairs = new ArrayList<>();
        for (RoutingTrace trace : TRACES) {
            for (int t = 0; t < S; t++) {
                double d = 0;
                for (RoutingTrace.Layer layer : trace.layers()) {
                    d += layer.selected()[t] ? 1 : 0;
                }
                pairs.add(new double[] {d, Math.round(trace.losses()[t] * DepthFold.STEPS), trace.losses()[t]});
            }
        }
        double[] d = pairs.stream().mapToDouble(pair -> pair[0]).toArray();
        double[] loss = pairs.stream().mapToDouble(pair -> pair[1]).toArray();
        double mean = Arrays.stream(d).average().orElseThrow();
        assertThat(depth.mean()).isCloseTo(mean, within(1e-12)).isCloseTo(0.75, within(1e-12));
        assertThat(depth.variance())
                .isCloseTo(
                        Arrays.stream(d)
                                .map(x -> (x - mean) * (x - mean))
                                .average()
                                .orElseThrow(),
                        within(1e-12));
        for (int depthValue = 0; depthValue <= 3; depthValue++) {
            int wanted = depthValue;
            assertThat(depth.count(wanted))
                    .isEqualTo(Arrays.stream(d).filter(x -> x == wanted).count());
            assertThat(depth.meanLoss(wanted))
                    .isCloseTo(
                            pairs.stream()
                                    .filter(pair -> pair[0] == wanted)
                                    .mapToDouble(pair -> pair[2])
                                    .average()
                                    .orElseThrow(),
                            within(1e-12));
        }
        assertThat(depth.lossCorrelation()).isCloseTo(pearson(ranks(d), ranks(loss)), within(1e-12));
        assertThat(depth.lossCorrelation()).isGreaterThan(0.1);
    }

    /** The rank of each value: how many are smaller, plus half of those equal. */
    private static double[] ranks(double[] values) {
        return Arrays.stream(values)
                .map(x -> Arrays.stream(values)
                        .map(y -> y < x ? 1 : y == x ? 0.5 : 0)
                        .sum())
                .toArray();
    }

    private static double pearson(double[] a, double[] b) {
        double ma = Arrays.stream(a).average().orElseThrow();
        double mb = Arrays.stream(b).average().orElseThrow();
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            ab += (a[i] - ma) * (b[i] - mb);
            aa += (a[i] - ma) * (a[i] - ma);
            bb += (b[i] - mb) * (b[i] - mb);
        }
        return ab / Math.sqrt(aa * bb);
    }

    @Test
    void binomialSharesSumToOneAndMatchHandValues() {
        DepthFold depth = new DepthFold(3);
        assertThat(depth.binomialShare(0, 0.25)).isCloseTo(0.421875, within(1e-15));
        assertThat(depth.binomialShare(1, 0.25)).isCloseTo(0.421875, within(1e-15));
        assertThat(depth.binomialShare(2, 0.25)).isCloseTo(0.140625, within(1e-15));
        assertThat(depth.binomialShare(3, 0.25)).isCloseTo(0.015625, within(1e-15));
    }

    @Test
    void tokensPositionsAndAgreement() {
        RoutingFold fold = fold(TRACES);
        long spaces = 0;
        long routedSpaces = 0;
        long[] at = new long[S];
        long both = 0;
        long either = 0;
        for (RoutingTrace trace : TRACES) {
            boolean[] first = trace.layers().get(0).selected();
            boolean[] last = trace.layers().get(2).selected();
            for (int t = 0; t < S; t++) {
                spaces += trace.tokens()[t] == ' ' ? 1 : 0;
                routedSpaces += trace.tokens()[t] == ' ' && last[t] ? 1 : 0;
                at[t] += last[t] ? 1 : 0;
                both += first[t] && last[t] ? 1 : 0;
                either += first[t] || last[t] ? 1 : 0;
            }
        }
        assertThat(fold.tokens().occurrences(' ')).isEqualTo(spaces);
        assertThat(fold.tokens().selected(' ', 2)).isEqualTo(routedSpaces);
        assertThat(fold.tokens().occurrences('Q')).isZero();
        for (int t = 0; t < S; t++) {
            assertThat(fold.layers().get(2).selectedAt(t)).isEqualTo(at[t]);
        }
        assertThat(fold.agreement().both(0, 2)).isEqualTo(both);
        assertThat(fold.agreement().jaccard(0, 2)).isEqualTo((double) both / either);
        assertThat(AgreementFold.chanceJaccard(0.25, 0.25)).isCloseTo(0.0625 / 0.4375, within(1e-15));
    }

    @Test
    void partsMergeIntoTheWhole() {
        RoutingFold whole = fold(TRACES);
        RoutingFold merged = fold(TRACES.subList(0, 1));
        merged.merge(fold(TRACES.subList(1, 20)));
        merged.merge(fold(List.of()));
        merged.merge(fold(TRACES.subList(20, 37)));
        FlopFigures figures = FlopFigures.of(SPEC, whole, 0);
        List<Table> expected = tables(whole, figures);
        List<Table> actual = tables(merged, figures);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i).rows()).hasSameSizeAs(expected.get(i).rows());
            for (int row = 0; row < expected.get(i).rows().size(); row++) {
                for (int c = 0; c < expected.get(i).columns().size(); c++) {
                    Object cell = expected.get(i).rows().get(row).get(c);
                    Object found = actual.get(i).rows().get(row).get(c);
                    if (cell instanceof Double number && Double.isFinite(number)) {
                        assertThat((Double) found).isCloseTo(number, within(1e-12 * (1 + Math.abs(number))));
                    } else {
                        assertThat(found).isEqualTo(cell);
                    }
                }
            }
        }
    }

    private static List<Table> tables(RoutingFold fold, FlopFigures figures) {
        return RoutingResultsTest.results(SPEC, fold, figures).tables();
    }

    @Test
    void refusesTracesOfAnotherModelAndDivergedRouters() {
        RoutingFold fold = fold(List.of());
        RoutingTrace other = SyntheticTraces.of(SyntheticTraces.model(8, 6, 0.25, true), TEXT, 1, 1)
                .get(0);
        assertThatThrownBy(() -> fold.add(other)).hasMessageContaining("8 tokens");
        assertThatThrownBy(() -> new RoutingTrace.Layer(3, new double[] {Double.NaN}, new boolean[1], Optional.empty()))
                .hasMessageContaining("block 3")
                .hasMessageContaining("not finite");
    }
}
