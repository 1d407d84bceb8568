package io.fathom.decode.evaluation;

import io.fathom.decode.CausalRule;
import io.fathom.decode.CausalRule.Signal;
import io.fathom.model.ModelSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A way to route when a text is scored. */
public enum Mode {
    /**
     * Each routed block takes the k largest router weights of the sequence, as in training; a dense model's only one.
     */
    TOP_K("top-k", Optional.empty(), false),
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

    /** What tables call it. */
    public String label() {
        return label;
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

    /** The causal modes that {@code spec} can run. */
    public static List<Mode> causal(ModelSpec spec) {
        List<Mode> modes = new ArrayList<>();
        for (Mode mode : values()) {
            boolean possible = mode.signal
                    .map(s -> s == Signal.ROUTER || CausalRule.hasPredictor(spec))
                    .orElse(false);
            if (possible && !spec.routedBlocks().isEmpty()) {
                modes.add(mode);
            }
        }
        return modes;
    }
}
