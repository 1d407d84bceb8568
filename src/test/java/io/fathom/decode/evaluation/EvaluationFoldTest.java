package io.fathom.decode.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fathom.checkpoint.RunDirectory;
import io.fathom.config.UserError;
import io.fathom.decode.CausalRule.Signal;
import io.fathom.decode.Decoder;
import io.fathom.decode.GoldenModel;
import io.fathom.decode.ProcessorReader;
import io.fathom.engine.TokenReader;
import io.fathom.model.Flops;
import io.fathom.model.ModelSpec;
import io.fathom.routing.RoutingTrace;
import io.fathom.routing.SyntheticTraces;
import io.fathom.routing.Table;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationFoldTest {
    private static final ModelSpec SPEC = SyntheticTraces.model(40, 4, 0.25, true);
    private static final List<RoutingTrace> TRACES = SyntheticTraces.of(SPEC, "routed words here", 12, 3);

    @TempDir
    Path directory;

    private static EvaluationFold folded(List<RoutingTrace> traces) {
        EvaluationFold fold = new EvaluationFold(SPEC);
        traces.forEach(fold::add);
        return fold;
    }

    /** The predictor's logits and the selection of the first routed block over all traces, one after the other. */
    private static void collect(List<Double> logits, List<Boolean> selected) {
        for (RoutingTrace trace : TRACES) {
            RoutingTrace.Layer layer = trace.layers().get(0);
            for (int t = 0; t < trace.length(); t++) {
                logits.add(layer.predictor().orElseThrow()[t]);
                selected.add(layer.selected()[t]);
            }
        }
    }

    @Test
    void signalFiguresAreThoseOfTheirDefinitions() {
        List<Double> logits = new ArrayList<>();
        List<Boolean> selected = new ArrayList<>();
        collect(logits, selected);
        double wins = 0;
        double pairs = 0;
        double right = 0;
        double taken = 0;
        double hits = 0;
        double wanted = 0;
        for (int i = 0; i < logits.size(); i++) {
            taken += logits.get(i) > 0 ? 1 : 0;
            wanted += selected.get(i) ? 1 : 0;
            hits += logits.get(i) > 0 && selected.get(i) ? 1 : 0;
            right += logits.get(i) > 0 == selected.get(i) ? 1 : 0;
            for (int j = 0; j < logits.size(); j++) {
                if (selected.get(i) && !selected.get(j)) {
                    pairs++;
                    wins += logits.get(i) > logits.get(j) ? 1 : logits.get(i).equals(logits.get(j)) ? 0.5 : 0;
                }
            }
        }
        SignalFold fold = folded(TRACES).signal(new EvaluationFold.Source(Signal.PREDICTOR, 1));
        Confusion all = fold.confusion();
        assertThat(all.tokens()).isEqualTo(12 * 40);
        assertThat(all.accuracy()).isCloseTo(right / logits.size(), within(1e-12));
        assertThat(all.bypassBaseline()).isCloseTo(0.75, within(1e-12));
        assertThat(all.precision()).isCloseTo(hits / taken, within(1e-12));
        assertThat(all.recall()).isCloseTo(hits / wanted, within(1e-12));
        assertThat(all.f1()).isCloseTo(2 * hits / (taken + wanted), within(1e-12));
        // Bins of 0.8 % make a few ties of what are not.
        assertThat(fold.areaUnderCurve()).isCloseTo(wins / pairs, within(2e-3)).isBetween(0.9, 1.0);
    }

    @Test
    void theRouterItselfRanksPerfectly() {
        SignalFold fold = folded(TRACES).signal(new EvaluationFold.Source(Signal.ROUTER, 3));
        assertThat(fold.topKOverlap()).isEqualTo(1);
        SignalFold predictor = folded(TRACES).signal(new EvaluationFold.Source(Signal.PREDICTOR, 3));
        assertThat(predictor.topKOverlap()).isBetween(0.5, 0.999);
    }

    @Test
    void calibrationErrorIsZeroForHonestProbabilities() {
        SignalFold honest = new SignalFold();
        SignalFold boastful = new SignalFold();
        double logit = Math.log(0.25 / 0.75);
        for (int i = 0; i < 10; i++) {
            honest.add(new double[] {logit, logit, logit, logit}, new boolean[] {true, false, false, false});
            boastful.add(new double[] {9, 9, 9, 9}, new boolean[] {true, false, false, false});
        }
        assertThat(honest.calibrationError()).isCloseTo(0, within(1e-12));
        assertThat(boastful.calibrationError()).isCloseTo(0.75, within(1e-3));
        assertThat(honest.areaUnderCurve()).isEqualTo(0.5);
    }

    @Test
    void partsMergedInOrderGiveTheWhole() {
        EvaluationFold parts = new EvaluationFold(SPEC);
        parts.merge(folded(TRACES.subList(0, 5)));
        parts.merge(folded(TRACES.subList(5, 6)));
        parts.merge(folded(TRACES.subList(6, 12)));
        Thresholds none = new Thresholds(1, Map.of(Signal.ROUTER, Map.of(), Signal.PREDICTOR, Map.of()));
        EvaluationResults.Source source = new EvaluationResults.Source(1, "test", 1);
        EvaluationFold whole = folded(TRACES);
        EvaluationResults merged = EvaluationResults.of(source, parts, none);
        EvaluationResults direct = EvaluationResults.of(source, whole, none);
        for (String name : List.of("capacities", "signals", "deciles")) {
            Table a = merged.table(name);
            Table b = direct.table(name);
            for (int row = 0; row < b.rows().size(); row++) {
                for (Table.Column column : b.columns()) {
                    if (column.type() == Table.Type.DOUBLE) {
                        double expected = b.number(row, column.name());
                        double found = a.number(row, column.name());
                        assertThat(Double.isNaN(found)).isEqualTo(Double.isNaN(expected));
                        assertThat(Double.isNaN(found) ? 0 : found - expected).isCloseTo(0, within(1e-12));
                    }
                }
            }
        }
        assertThat(parts.mode(Mode.TRAINED).loss())
                .isCloseTo(whole.mode(Mode.TRAINED).loss(), within(1e-12));
    }

    @Test
    void topKCostsItsBudget() {
        ModeFold topK = folded(TRACES).mode(Mode.TRAINED);
        assertThat(topK.capacity()).isEqualTo(0.25);
        assertThat(topK.flopsPerToken(SPEC, true)).isCloseTo(new Flops(SPEC).forwardPerToken(), within(1e-6));
    }

    @Test
    void causalLossesAreThoseOfTheReference() {
        GoldenModel golden = GoldenModel.named("mod_sigmoid_predictor");
        TokenReader reader = new ProcessorReader(golden.spec(), golden.parameters());
        Thresholds thresholds =
                Thresholds.calibrate(4, reader, List.of(prefix(golden.window(0)), prefix(golden.window(1))));
        EvaluationFold fold = new EvaluationFold(golden.spec());
        Map<Mode, Decoder> decoders = EvaluationFold.decoders(reader, thresholds);
        assertThat(decoders).hasSize(4);
        for (int b = 0; b < golden.reference().sequences(); b++) {
            fold.add(decoders, golden.window(b));
        }
        double router = golden.reference().numbers().get("ce_router").asDouble();
        double predictor = golden.reference().numbers().get("ce_predictor").asDouble();
        assertThat(fold.mode(Mode.ROUTER).loss()).isCloseTo(router, within(1e-5));
        assertThat(fold.mode(Mode.PREDICTOR).loss()).isCloseTo(predictor, within(1e-5));
        // Calibrated on the very tokens it is then measured on, so the capacity must hold exactly.
        assertThat(fold.mode(Mode.ROUTER_CALIBRATED).capacity()).isEqualTo(0.25);
        assertThat(fold.mode(Mode.PREDICTOR_CALIBRATED).capacity()).isEqualTo(0.25);
        assertThat(fold.mode(Mode.ROUTER).capacity()).isNotEqualTo(0.25);
    }

    private static int[] prefix(int[] window) {
        return Arrays.copyOf(window, window.length - 1);
    }

    @Test
    void thresholdsBelongToOneRound() {
        RunDirectory run = new RunDirectory(new Configuration(), directory.toString());
        assertThatThrownBy(() -> Thresholds.read(run, 7))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("run `evaluate` with this --run first");
        Thresholds written = new Thresholds(
                7, Map.of(Signal.ROUTER, Map.of(1, 0.25, 3, -1e-7), Signal.PREDICTOR, Map.of(1, 3.5, 3, 0.1)));
        written.writeTo(run);
        assertThat(Thresholds.read(run, 7)).isEqualTo(written);
        assertThatThrownBy(() -> Thresholds.read(run, 8)).hasMessageContaining("was calibrated for round 7");
        run.write(Thresholds.FILE, "{}");
        assertThatThrownBy(() -> Thresholds.read(run, 7)).hasMessageContaining("run `evaluate` again");
    }
}
