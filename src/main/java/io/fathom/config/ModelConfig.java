package io.fathom.config;

import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;

/** {@code fathom.model}: the shape of the model; its vocabulary is the corpus's tokenizer's. */
public record ModelConfig(int context, int width, int heads, int blocks, RoutingConfig routing) {

    /** {@code fathom.model.routing}. */
    public record RoutingConfig(
            Kind kind, int every, int offset, double capacity, Gate gate, double auxWeight, boolean predictor) {
        /** Which router. */
        public enum Kind {
            EXPERT_CHOICE,
            DENSE
        }
    }

    /**
     * The model over a vocabulary of {@code vocabulary} tokens; throws {@link IllegalArgumentException} as its parts
     * do.
     */
    public ModelSpec spec(int vocabulary) {
        Routing rule = switch (routing.kind()) {
            case DENSE -> new Routing.Dense();
            case EXPERT_CHOICE ->
                new Routing.ExpertChoice(
                        routing.every(),
                        routing.offset(),
                        routing.capacity(),
                        routing.gate(),
                        routing.auxWeight(),
                        routing.predictor());
        };
        return new ModelSpec(vocabulary, context, width, heads, blocks, rule);
    }
}
