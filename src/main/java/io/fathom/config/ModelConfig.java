package io.fathom.config;

import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;

/** {@code fathom.model}: the shape of the model; its vocabulary is the corpus's tokenizer's. */
public record ModelConfig(int context, int width, int heads, int blocks, RoutingConfig routing) implements Checked {

    @Override
    public void check(Problems problems) {
        problems.atLeast(1, context, "context");
        problems.atLeast(2, width, "width");
        problems.atLeast(1, heads, "heads");
        problems.require(heads < 1 || width % heads == 0, "width", "must be a multiple of heads = " + heads);
        problems.require(blocks >= 1 && blocks <= MOST_BLOCKS, "blocks", "must lie between 1 and " + MOST_BLOCKS);
        problems.require(
                routing.kind() == RoutingConfig.Kind.DENSE || routing.offset() < Math.max(1, blocks),
                "blocks",
                "must be more than routing.offset = " + routing.offset()
                        + ", or no block routes; set routing.kind = dense for that");
    }

    private static final int MOST_BLOCKS = 10_000;

    /** {@code fathom.model.routing}. */
    public record RoutingConfig(
            Kind kind,
            int every,
            int offset,
            double capacity,
            Gate gate,
            double auxWeight,
            boolean predictor,
            double balanceWeight,
            double zWeight)
            implements Checked {

        @Override
        public void check(Problems problems) {
            problems.atLeast(1, every, "every");
            problems.require(
                    offset >= 0 && offset < Math.max(1, every),
                    "offset",
                    "must be at least 0 and less than every = " + every);
            problems.require(capacity > 0 && capacity <= 1, "capacity", "must be greater than 0 and at most 1");
            problems.notNegative(auxWeight, "auxWeight");
            problems.notNegative(balanceWeight, "balanceWeight");
            problems.notNegative(zWeight, "zWeight");
        }

        /** Which router. */
        public enum Kind {
            EXPERT_CHOICE,
            TOKEN_CHOICE,
            RANDOM,
            DENSE
        }
    }

    /**
     * The model over a vocabulary of {@code vocabulary} tokens; throws {@link IllegalArgumentException} as its parts
     * do, and {@link UserError} when it has more parameters than an array.
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
                        routing.zWeight(),
                        routing.predictor());
            case TOKEN_CHOICE ->
                new Routing.TokenChoice(
                        routing.every(),
                        routing.offset(),
                        routing.capacity(),
                        routing.gate(),
                        routing.balanceWeight(),
                        routing.zWeight());
            case RANDOM ->
                new Routing.Stochastic(routing.every(), routing.offset(), routing.capacity(), routing.gate());
        };
        ModelSpec spec = new ModelSpec(vocabulary, context, width, heads, blocks, rule);
        try {
            ParameterLayout.of(spec);
        } catch (ArithmeticException e) {
            throw new UserError(
                    "model.width = " + width + ", model.blocks = " + blocks + ", model.context = " + context
                            + ": more than 2,147,483,647 parameters, which one array cannot hold; lower one of them",
                    e);
        }
        return spec;
    }
}
