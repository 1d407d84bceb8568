package io.fathom.routing;

import io.fathom.model.Flops;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What a forward pass costs, three ways: budgeted by formula with k tokens a routed block, realised with the tokens
 * that were taken, counted from the compiled program.
 *
 * <p>Budgeted, counted and realised under top-k are the same number, exactly; {@link #agree()} says whether they are.
 * Where tokens choose for themselves, and under a causal rule, the tokens taken vary by sequence: their cost is a mean,
 * for token choice at most the budget, which is what its program, of fixed shapes, computes.
 *
 * @param denseTwin FLOPs of a sequence through the model with every block dense
 * @param budgeted of a sequence by formula
 * @param counted of a sequence by the compiled program's matrix products
 * @param realised of a sequence by rule, first the one that the model was traced with
 * @param length S
 */
public record FlopFigures(double denseTwin, double budgeted, double counted, List<Realised> realised, int length) {

    private static final String TOKEN_CHOICE = "token choice";

    /** FLOPs of a sequence with the tokens that {@code rule} took. */
    public record Realised(String rule, double flops) {}

    public FlopFigures {
        realised = List.copyOf(realised);
    }

    /**
     * The figures of a model over the sequences of {@code fold}.
     *
     * @param countedPerSequence {@code Program.flops()} of an inference program over its sequences
     */
    public static FlopFigures of(ModelSpec spec, RoutingFold fold, double countedPerSequence) {
        Flops flops = new Flops(spec);
        int width = spec.width();
        double predictor = (double) flops.predictor();
        List<Realised> realised = new ArrayList<>();
        realised.add(realised(
                spec.routing() instanceof Routing.TokenChoice ? TOKEN_CHOICE : "top-k",
                flops,
                fold,
                layer -> Flops.block(layer.meanSelected(), layer.meanSquaredSelected(), width) + predictor));
        if (fold.learnt()) {
            realised.add(realised("router", flops, fold, layer -> block(layer.router(), width)));
        }
        if (fold.layers().stream().allMatch(layer -> layer.predictor().isPresent())) {
            realised.add(realised(
                    "predictor", flops, fold, layer -> block(layer.predictor().orElseThrow(), width) + predictor));
        }
        return new FlopFigures(
                (double) flops.denseTwin().forward(),
                (double) flops.forward(),
                countedPerSequence,
                realised,
                spec.context());
    }

    private static double block(CausalFold rule, int width) {
        return Flops.block(rule.meanTaken(), rule.meanSquaredTaken(), width);
    }

    private static Realised realised(
            String rule, Flops flops, RoutingFold fold, ToDoubleFunction<LayerFold> blockAndPredictor) {
        ModelSpec spec = flops.spec();
        int dense = spec.blocks() - fold.layers().size();
        double sum = (double) flops.head() + dense * Flops.block(spec.context(), spec.width());
        for (LayerFold layer : fold.layers()) {
            sum += blockAndPredictor.applyAsDouble(layer) + (double) flops.router();
        }
        return new Realised(rule, sum);
    }

    /**
     * Whether the figures stand to each other as they must: equal under top-k, within the budget under token choice.
     */
    public boolean agree() {
        Realised traced = realised.get(0);
        boolean kept = traced.rule().equals(TOKEN_CHOICE) ? traced.flops() <= budgeted : traced.flops() == budgeted;
        return budgeted == counted && kept;
    }

    /** Share of the dense twin's FLOPs that {@code flops} of a sequence save. */
    public double saved(double flops) {
        return 1 - flops / denseTwin;
    }

    /** The table {@code flops}: each figure a token, beside the dense twin's. */
    public Table table() {
        Table.Builder table = Table.named("flops")
                .text("figure")
                .text("rule")
                .number("forward_flops_per_token")
                .number("share_of_dense_twin")
                .number("saved");
        row(table, "dense twin", "none", denseTwin);
        row(table, "budgeted", realised.get(0).rule(), budgeted);
        row(table, "counted", realised.get(0).rule(), counted);
        for (Realised figure : realised) {
            row(table, "realised", figure.rule(), figure.flops());
        }
        return table.build();
    }

    private void row(Table.Builder table, String figure, String rule, double flops) {
        table.row(figure, rule, flops / length, flops / denseTwin, saved(flops));
    }
}
