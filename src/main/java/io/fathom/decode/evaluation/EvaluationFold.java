package io.fathom.decode.evaluation;

import io.fathom.decode.CausalRule.Signal;
import io.fathom.decode.Decoder;
import io.fathom.engine.TokenReader;
import io.fathom.model.ModelSpec;
import io.fathom.routing.RoutingTrace;
import java.io.Serializable;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Everything an evaluation measured over some sequences. */
public final class EvaluationFold implements Serializable {
    private static final long serialVersionUID = 1L;

    /** One signal of one routed block. */
    public record Source(Signal signal, int block) implements Serializable {}

    private final ModelSpec spec;
    private final EnumMap<Mode, ModeFold> modes = new EnumMap<>(Mode.class);
    private final Map<Source, SignalFold> signals = new LinkedHashMap<>();

    /** A fold over no sequence yet. */
    public EvaluationFold(ModelSpec spec) {
        this.spec = spec;
        modes.put(Mode.TRAINED, new ModeFold(spec.routedBlocks().size()));
        for (Mode mode : Mode.causal(spec)) {
            modes.put(mode, new ModeFold(spec.routedBlocks().size()));
        }
        for (Signal signal : Mode.signals(spec)) {
            for (int block : spec.routedBlocks()) {
                signals.put(new Source(signal, block), new SignalFold());
            }
        }
    }

    /** The decoders of the causal modes, by mode; they share {@code reader}. */
    public static Map<Mode, Decoder> decoders(TokenReader reader, Thresholds thresholds) {
        Map<Mode, Decoder> decoders = new EnumMap<>(Mode.class);
        for (Mode mode : Mode.causal(reader.spec())) {
            decoders.put(mode, new Decoder(reader, mode.rule(thresholds)));
        }
        return decoders;
    }

    /** Takes in what a pass as in training did with one sequence. */
    public void add(RoutingTrace trace) {
        int[] entered = trace.layers().stream()
                .mapToInt(layer -> count(layer.selected()))
                .toArray();
        fold(Mode.TRAINED).add(Arrays.stream(trace.losses()).sum(), trace.length(), entered);
        if (signals.isEmpty()) {
            return;
        }
        for (RoutingTrace.Layer layer : trace.layers()) {
            signal(Signal.ROUTER, layer.block()).add(layer.scores(), layer.selected());
            layer.predictor()
                    .ifPresent(logits -> signal(Signal.PREDICTOR, layer.block()).add(logits, layer.selected()));
        }
    }

    /** Scores one window causally and takes that in. */
    public void add(Map<Mode, Decoder> decoders, int[] window) {
        decoders.forEach((mode, decoder) -> {
            CausalScore score = CausalScore.of(decoder, window);
            fold(mode).add(score.loss(), score.tokens(), score.entered());
        });
    }

    /** Takes in all that {@code next} has seen. */
    public void merge(EvaluationFold next) {
        next.modes.forEach((mode, other) -> fold(mode).merge(other));
        next.signals.forEach(
                (source, other) -> signal(source.signal(), source.block()).merge(other));
    }

    private ModeFold fold(Mode mode) {
        ModeFold fold = modes.get(mode);
        if (fold == null) {
            throw new IllegalArgumentException("this model is not evaluated under " + mode);
        }
        return fold;
    }

    private SignalFold signal(Signal signal, int block) {
        SignalFold fold = signals.get(new Source(signal, block));
        if (fold == null) {
            throw new IllegalArgumentException("this model has no " + signal + " in block " + block);
        }
        return fold;
    }

    private static int count(boolean[] selected) {
        int count = 0;
        for (boolean each : selected) {
            count += each ? 1 : 0;
        }
        return count;
    }

    /** The model. */
    public ModelSpec spec() {
        return spec;
    }

    /** Modes in order. */
    public List<Mode> modes() {
        return List.copyOf(modes.keySet());
    }

    /** What {@code mode} did. */
    public ModeFold mode(Mode mode) {
        return fold(mode);
    }

    /** Signals in the order of signal and block. */
    public List<Source> sources() {
        return List.copyOf(signals.keySet());
    }

    /** How a signal foretells top-k. */
    public SignalFold signal(Source source) {
        return signal(source.signal(), source.block());
    }
}
