package io.fathom.routing;

import java.util.List;

/** The tables that have a row for a routed block, or for a part of one. */
final class LayerTables {
    private LayerTables() {}

    static List<Table> of(RoutingFold fold, int histogramBins) {
        return List.of(
                layers(fold),
                causal(fold),
                histograms(fold, histogramBins),
                positions(fold),
                deciles(fold),
                agreement(fold));
    }

    private static Table layers(RoutingFold fold) {
        Table.Builder table = Table.named("layers")
                .whole("block")
                .whole("tokens")
                .number("selection_rate")
                .number("above_half_share")
                .number("binary_entropy_bits")
                .number("softmax_entropy")
                .number("threshold")
                .number("margin")
                .number("least_margin")
                .number("first_token_rate");
        for (LayerFold layer : fold.layers()) {
            table.row(
                    layer.block(),
                    layer.tokens(),
                    layer.rate(),
                    layer.aboveHalf(),
                    layer.binaryEntropyBits(),
                    layer.softmaxEntropy(),
                    layer.threshold(),
                    layer.margin(),
                    layer.leastMargin(),
                    (double) layer.selectedAt(0) / layer.sequences());
        }
        return table.build();
    }

    private static Table causal(RoutingFold fold) {
        Table.Builder table = Table.named("causal")
                .whole("block")
                .text("rule")
                .number("rate")
                .number("drift")
                .whole("fewest_tokens")
                .whole("most_tokens")
                .number("accuracy")
                .number("bypass_baseline")
                .number("precision")
                .number("recall")
                .number("f1");
        for (LayerFold layer : fold.layers()) {
            if (fold.learnt()) {
                causal(table, layer, "router", layer.router());
            }
            layer.predictor().ifPresent(rule -> causal(table, layer, "predictor", rule));
        }
        return table.build();
    }

    private static void causal(Table.Builder table, LayerFold layer, String name, CausalFold rule) {
        table.row(
                layer.block(),
                name,
                rule.rate(),
                rule.rate() - layer.rate(),
                rule.fewest(),
                rule.most(),
                rule.accuracy(),
                rule.bypassBaseline(),
                rule.precision(),
                rule.recall(),
                rule.f1());
    }

    private static Table histograms(RoutingFold fold, int bins) {
        Table.Builder table = Table.named("histograms")
                .whole("block")
                .text("quantity")
                .number("lower")
                .number("upper")
                .whole("selected")
                .whole("bypassed");
        for (LayerFold layer : fold.layers()) {
            for (WeightHistogram.Bin bin : layer.weightBins(bins)) {
                table.row(layer.block(), "r", bin.lower(), bin.upper(), bin.selected(), bin.bypassed());
            }
            double width = 1.0 / layer.sigmoidBins();
            for (int i = 0; i < layer.sigmoidBins(); i++) {
                table.row(
                        layer.block(),
                        "sigmoid",
                        i * width,
                        (i + 1) * width,
                        layer.sigmoidCount(i, true),
                        layer.sigmoidCount(i, false));
            }
        }
        return table.build();
    }

    private static Table positions(RoutingFold fold) {
        Table.Builder table = Table.named("positions")
                .whole("block")
                .whole("position")
                .whole("tokens")
                .whole("selected")
                .number("rate");
        for (LayerFold layer : fold.layers()) {
            for (int t = 0; t < fold.length(); t++) {
                long selected = layer.selectedAt(t);
                table.row(layer.block(), t, layer.sequences(), selected, (double) selected / layer.sequences());
            }
        }
        return table.build();
    }

    private static Table deciles(RoutingFold fold) {
        Table.Builder table = Table.named("deciles")
                .whole("block")
                .whole("decile")
                .whole("tokens")
                .whole("selected")
                .number("rate");
        for (LayerFold layer : fold.layers()) {
            long[] tokens = new long[10];
            long[] selected = new long[10];
            for (int t = 0; t < fold.length(); t++) {
                int decile = (int) (10L * t / fold.length());
                tokens[decile] += layer.sequences();
                selected[decile] += layer.selectedAt(t);
            }
            for (int i = 0; i < 10; i++) {
                if (tokens[i] > 0) {
                    table.row(layer.block(), i + 1, tokens[i], selected[i], (double) selected[i] / tokens[i]);
                }
            }
        }
        return table.build();
    }

    private static Table agreement(RoutingFold fold) {
        Table.Builder table = Table.named("agreement")
                .whole("block")
                .whole("other_block")
                .whole("both")
                .whole("either")
                .number("jaccard")
                .number("chance_jaccard");
        List<LayerFold> layers = fold.layers();
        for (int a = 0; a < layers.size(); a++) {
            for (int b = a + 1; b < layers.size(); b++) {
                table.row(
                        layers.get(a).block(),
                        layers.get(b).block(),
                        fold.agreement().both(a, b),
                        fold.agreement().either(a, b),
                        fold.agreement().jaccard(a, b),
                        AgreementFold.chanceJaccard(
                                layers.get(a).rate(), layers.get(b).rate()));
            }
        }
        return table.build();
    }
}
