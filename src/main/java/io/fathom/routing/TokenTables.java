package io.fathom.routing;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The tables about what kind of token goes deep. */
final class TokenTables {
    private static final double Z_95 = 1.959963984540054;

    private final RoutingFold fold;
    private final TokenText text;
    private final int layers;

    TokenTables(RoutingFold fold, TokenText text) {
        this.fold = fold;
        this.text = text;
        this.layers = fold.layers().size();
    }

    List<Table> tables(int topTokens) {
        return List.of(depth(), classes(), classesByLayer(), tokens(topTokens), excerpt());
    }

    private Table depth() {
        Table.Builder table = Table.named("depth")
                .whole("depth")
                .whole("tokens")
                .number("share")
                .number("binomial_share")
                .number("mean_loss");
        DepthFold depth = fold.depth();
        for (int d = 0; d <= layers; d++) {
            table.row(d, depth.count(d), depth.share(d), depth.binomialShare(d, fold.rate()), depth.meanLoss(d));
        }
        return table.build();
    }

    /** By class: occurrences, then selections layer by layer. */
    private Map<TokenClass, long[]> classCounts() {
        Map<TokenClass, long[]> counts = new EnumMap<>(TokenClass.class);
        for (int token : fold.tokens().tokens()) {
            long[] row = counts.computeIfAbsent(text.classOf(token), any -> new long[1 + layers]);
            row[0] += fold.tokens().occurrences(token);
            for (int l = 0; l < layers; l++) {
                row[1 + l] += fold.tokens().selected(token, l);
            }
        }
        return counts;
    }

    private Table classes() {
        Table.Builder table = Table.named("classes")
                .text("class")
                .whole("tokens")
                .number("share_of_tokens")
                .number("rate")
                .number("lift")
                .number("mean_depth");
        double all = fold.depth().tokens();
        classCounts().forEach((kind, row) -> {
            long selected = 0;
            for (int l = 0; l < layers; l++) {
                selected += row[1 + l];
            }
            double rate = (double) selected / (row[0] * layers);
            table.row(kind.label(), row[0], row[0] / all, rate, rate / fold.rate(), (double) selected / row[0]);
        });
        return table.build();
    }

    private Table classesByLayer() {
        Table.Builder table = Table.named("classes_by_layer")
                .text("class")
                .whole("block")
                .whole("tokens")
                .whole("selected")
                .number("rate")
                .number("lift");
        classCounts().forEach((kind, row) -> {
            for (int l = 0; l < layers; l++) {
                LayerFold layer = fold.layers().get(l);
                double rate = (double) row[1 + l] / row[0];
                table.row(kind.label(), layer.block(), row[0], row[1 + l], rate, rate / layer.rate());
            }
        });
        return table.build();
    }

    /** Fewest occurrences for a token to be listed: below, its rate says little. */
    long support() {
        return Math.max(10, fold.depth().tokens() / 10_000);
    }

    private double rate(int token) {
        return (double) fold.tokens().selected(token) / (fold.tokens().occurrences(token) * layers);
    }

    private Table tokens(int most) {
        Table.Builder table = Table.named("tokens")
                .text("list")
                .whole("rank")
                .whole("token")
                .text("text")
                .text("class")
                .whole("occurrences")
                .whole("selected")
                .number("rate")
                .number("rate_low")
                .number("rate_high")
                .number("lift")
                .number("mean_depth");
        List<Integer> listed = new ArrayList<>();
        for (int token : fold.tokens().tokens()) {
            if (fold.tokens().occurrences(token) >= support()) {
                listed.add(token);
            }
        }
        Comparator<Integer> byRate = Comparator.comparingDouble(this::rate);
        Comparator<Integer> commonFirst =
                Comparator.comparingLong((Integer token) -> -fold.tokens().occurrences(token));
        list(
                table,
                "most routed",
                listed.stream()
                        .filter(token -> rate(token) > fold.rate())
                        .sorted(byRate.reversed().thenComparing(commonFirst))
                        .limit(most)
                        .toList());
        list(
                table,
                "least routed",
                listed.stream()
                        .filter(token -> rate(token) < fold.rate())
                        .sorted(byRate.thenComparing(commonFirst))
                        .limit(most)
                        .toList());
        return table.build();
    }

    private void list(Table.Builder table, String list, List<Integer> tokens) {
        int rank = 0;
        for (int token : tokens) {
            long selected = fold.tokens().selected(token);
            double trials = (double) (fold.tokens().occurrences(token) * layers);
            double rate = rate(token);
            table.row(
                    list,
                    ++rank,
                    token,
                    text.escaped(token),
                    text.classOf(token).label(),
                    fold.tokens().occurrences(token),
                    selected,
                    rate,
                    wilson(rate, trials, -1),
                    wilson(rate, trials, 1),
                    rate / fold.rate(),
                    rate * layers);
        }
    }

    /** Wilson's 95 % bound of a share seen in {@code trials} independent trials. */
    private static double wilson(double share, double trials, int side) {
        double z2 = Z_95 * Z_95 / trials;
        double spread = Z_95 * Math.sqrt(share * (1 - share) / trials + z2 / (4 * trials));
        return Math.max(0, Math.min(1, (share + z2 / 2 + side * spread) / (1 + z2)));
    }

    private Table excerpt() {
        Table.Builder table = Table.named("excerpt")
                .whole("sequence")
                .whole("position")
                .whole("token")
                .text("text")
                .text("bytes_hex")
                .whole("depth")
                .number("loss");
        int sequence = 0;
        for (RoutingFold.Passage passage : fold.excerpt()) {
            for (int t = 0; t < passage.tokens().length; t++) {
                int token = passage.tokens()[t];
                table.row(
                        sequence,
                        t,
                        token,
                        text.escaped(token),
                        text.hex(token),
                        passage.depths()[t],
                        passage.losses()[t]);
            }
            sequence++;
        }
        return table.build();
    }
}
