package io.fathom.decode.evaluation;

import io.fathom.decode.CausalRule;
import io.fathom.decode.CausalRule.Signal;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A way to route when a text is scored. */
public enum Mode {
    /** As in training: by top-k, or whatever else the model's routing says; a dense model has no other. */
    TRAINED("top-k", Optional.empty(), false),
    /** Predictor logit above 0. */
    PREDICTOR("predictor", Optional.of(Signal.PREDICTOR), false),
    /** Router weight above 0. */
    ROUTER("router", Optional.of(Signal.ROUTER), false),
    /** Predictor logit above the block's calibrated threshold. */
    PREDICTOR_CALIBRATED("predictor, calibrated", Optional.of(Signal.PREDICTOR), true),
    /** Router weight above the block's calibrated threshold. */
    ROUTER_CALIBRATED("router, calibrated", Optional.of(Signal.ROUTER), true);

    private final String label;
    private final Optional<Signal> signal;
    private final boolean calibrated;

    Mode(String label, Optional<Signal> signal, boolean calibrated) {
        this.label = label;
        this.signal = signal;
        this.calibrated = calibrated;
    }

    /** What tables of {@code spec} call it. */
    public String label(ModelSpec spec) {
        if (this != TRAINED || spec.routing() instanceof Routing.ExpertChoice) {
            return label;
        }
        return spec.routedBlocks().isEmpty()
                ? "dense"
                : spec.routing() instanceof Routing.TokenChoice ? "token choice" : "random";
    }

    /** What decides, in a causal mode. */
    public Optional<Signal> signal() {
        return signal;
    }

    /** The rule of a causal mode. */
    CausalRule rule(Thresholds thresholds) {
        CausalRule plain = CausalRule.of(signal.orElseThrow());
        return calibrated ? plain.withThresholds(thresholds.of(plain.signal())) : plain;
    }

    /** The signals that {@code spec} has: none where no block routes, or chance does. */
    static List<Signal> signals(ModelSpec spec) {
        if (spec.routedBlocks().isEmpty() || spec.routing() instanceof Routing.Stochastic) {
            return List.of();
        }
        return CausalRule.hasPredictor(spec) ? List.of(Signal.PREDICTOR, Signal.ROUTER) : List.of(Signal.ROUTER);
    }

    /** The causal modes that {@code spec} can run. */
    public static List<Mode> causal(ModelSpec spec) {
        List<Signal> signals = signals(spec);
        return Arrays.stream(values())
                .filter(mode -> mode.signal.map(signals::contains).orElse(false))
                .toList();
    }
}
