package io.fathom.decode;

import io.fathom.config.UserError;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import java.util.Map;

/**
 * How a token's route is decided from the token alone and those before it: block i computes it where its signal is
 * above the block's threshold.
 *
 * <p>Top-k over the sequence cannot be used to generate, since it looks at later tokens. With threshold 0 the rule is
 * sigmoid(signal) > 0.5, what both signals are trained for (arXiv 2404.02258, section 3.5); a calibrated threshold
 * holds the capacity instead.
 *
 * @param signal the number that decides
 * @param thresholds by block; 0 where a block has none
 */
public record CausalRule(Signal signal, Map<Integer, Double> thresholds) {
    /** What is compared with the threshold. */
    public enum Signal {
        /** The logit p of the stop-gradient predictor. */
        PREDICTOR,
        /** The router weight r, which the auxiliary loss centres on 0. */
        ROUTER;

        /** The name users give: {@code predictor} or {@code router}; throws {@link UserError} for another. */
        public static Signal named(String name) {
            return switch (name) {
                case "predictor" -> PREDICTOR;
                case "router" -> ROUTER;
                default -> throw new UserError("routing = " + name + ": must be predictor or router");
            };
        }
    }

    public CausalRule {
        thresholds = Map.copyOf(thresholds);
    }

    /** {@code signal} above 0. */
    public static CausalRule of(Signal signal) {
        return new CausalRule(signal, Map.of());
    }

    /** The rule a model was trained for: its predictor where it has one, else its router. */
    public static CausalRule of(ModelSpec spec) {
        return of(hasPredictor(spec) ? Signal.PREDICTOR : Signal.ROUTER);
    }

    /** The same signal with other thresholds. */
    public CausalRule withThresholds(Map<Integer, Double> thresholds) {
        return new CausalRule(signal, thresholds);
    }

    /** The threshold of {@code block}. */
    public double threshold(int block) {
        return thresholds.getOrDefault(block, 0.0);
    }

    /** Throws {@link UserError} when {@code spec} has not what this rule needs. */
    public void requireFor(ModelSpec spec) {
        if (spec.routing() instanceof Routing.Stochastic) {
            throw new UserError("this model was routed by chance (model.routing.kind = random), as a control: it has no"
                    + " router to decide a token's route by; train with expert-choice or token-choice to generate");
        }
        if (signal == Signal.PREDICTOR && !spec.routedBlocks().isEmpty() && !hasPredictor(spec)) {
            throw new UserError("routing = predictor: this model was trained without one"
                    + " (model.routing.predictor = false); use routing = router");
        }
        for (Integer block : thresholds.keySet()) {
            if (!spec.routedBlocks().contains(block)) {
                throw new UserError("a threshold for block " + block + ": the model routes in blocks "
                        + spec.routedBlocks() + "; calibrate again with the evaluate job");
            }
        }
    }

    /** Whether every routed block of {@code spec} has a predictor. */
    public static boolean hasPredictor(ModelSpec spec) {
        ParameterLayout layout = ParameterLayout.of(spec);
        return !spec.routedBlocks().isEmpty()
                && spec.routedBlocks().stream().allMatch(i -> layout.contains("h." + i + ".predictor.fc.weight"));
    }
}
