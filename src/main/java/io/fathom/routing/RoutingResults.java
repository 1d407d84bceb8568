package io.fathom.routing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fathom.model.Flops;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a routing pass leaves in a run directory: a summary and the tables that it sums up.
 *
 * @param summary one JSON object: what was measured, and its main figures
 * @param tables by decreasing generality
 */
public record RoutingResults(JsonNode summary, List<Table> tables) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The names of the tables, by decreasing generality. */
    public static final List<String> TABLES = List.of(
            "layers",
            "causal",
            "histograms",
            "positions",
            "deciles",
            "agreement",
            "depth",
            "classes",
            "classes_by_layer",
            "tokens",
            "excerpt",
            "flops");

    public RoutingResults {
        tables = List.copyOf(tables);
    }

    /**
     * The results of a pass.
     *
     * @param source what was measured, written into the summary as it is: run, round, tokenizer
     * @param spec the model, over sequences of the length measured
     * @param figures its cost
     * @param text the tokenizer's tokens
     * @param histogramBins bins of a histogram at most
     * @param topTokens tokens of a list at most
     */
    public static RoutingResults of(
            ObjectNode source,
            ModelSpec spec,
            RoutingFold fold,
            FlopFigures figures,
            TokenText text,
            int histogramBins,
            int topTokens) {
        TokenTables tokenTables = new TokenTables(fold, text);
        List<Table> tables = new ArrayList<>(LayerTables.of(fold, histogramBins));
        tables.addAll(tokenTables.tables(topTokens));
        tables.add(figures.table());

        ObjectNode summary = source.deepCopy();
        summary.set("model", model(spec));
        summary.put("sequences", fold.sequences());
        summary.put("tokens", fold.depth().tokens());
        summary.put("selection_rate", fold.rate());
        put(summary, "loss_nats", fold.depth().meanLoss());
        summary.set("depth", depth(fold));
        put(summary, "depth_loss_spearman", fold.depth().lossCorrelation());
        summary.put("least_occurrences_listed", tokenTables.support());
        summary.put("flops_agree", figures.agree());
        summary.put("flops_saved", figures.saved(figures.budgeted()));
        return new RoutingResults(summary, tables);
    }

    private static ObjectNode model(ModelSpec spec) {
        ObjectNode model = JSON.createObjectNode();
        model.put("vocabulary", spec.vocabulary());
        model.put("context", spec.context());
        model.put("width", spec.width());
        model.put("heads", spec.heads());
        model.put("blocks", spec.blocks());
        model.set("routed_blocks", JSON.valueToTree(spec.routedBlocks()));
        model.put("selected_tokens", new Flops(spec).selected());
        if (spec.routing() instanceof Routing.Routed routed) {
            model.put("router", router(routed));
            model.put("capacity", routed.capacity());
            model.put("gate", routed.gate().name().toLowerCase(Locale.ROOT));
        }
        return model;
    }

    private static String router(Routing.Routed routed) {
        return routed instanceof Routing.TokenChoice
                ? "token-choice"
                : routed instanceof Routing.Stochastic ? "random" : "expert-choice";
    }

    private static ObjectNode depth(RoutingFold fold) {
        DepthFold depth = fold.depth();
        int routed = depth.routedBlocks();
        double rate = fold.rate();
        ObjectNode node = JSON.createObjectNode();
        node.put("routed_blocks", routed);
        node.put("mean", depth.mean());
        node.put("variance", depth.variance());
        node.put("binomial_variance", routed * rate * (1 - rate));
        node.put("always_routed_share", depth.share(routed));
        node.put("binomial_always_routed_share", depth.binomialShare(routed, rate));
        node.put("never_routed_share", depth.share(0));
        node.put("binomial_never_routed_share", depth.binomialShare(0, rate));
        return node;
    }

    /** JSON knows no NaN: what is not defined is null. */
    private static void put(ObjectNode node, String key, double value) {
        if (Double.isFinite(value)) {
            node.put(key, value);
        } else {
            node.putNull(key);
        }
    }

    /** The table {@code name}; throws {@link IllegalArgumentException} when there is none. */
    public Table table(String name) {
        return tables.stream()
                .filter(table -> table.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no routing table named " + name));
    }
}
