package io.fathom.report;

import io.fathom.routing.RoutingResults;
import io.fathom.routing.Table;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What kind of token goes deep. */
final class TokensSection {
    /** Rarer classes do not decide what the darkest shade means. */
    private static final double LEAST_SHARE = 0.001;

    private final RoutingResults routing;
    private final double rate;

    TokensSection(RoutingResults routing) {
        this.routing = routing;
        this.rate = routing.summary().path("selection_rate").asDouble();
    }

    String html() {
        return "<div class=\"two\">" + depth() + lossByDepth() + "</div>" + classes() + classesByBlock()
                + "<div class=\"two\">"
                + tokens("most routed", "Most routed tokens") + tokens("least routed", "Least routed tokens")
                + "</div>" + new Excerpt(routing).html();
    }

    private String depth() {
        Table depth = routing.table("depth");
        ColumnChart chart = new ColumnChart();
        for (int row = 0; row < depth.rows().size(); row++) {
            double share = depth.number(row, "share");
            double chance = depth.number(row, "binomial_share");
            chart.column(
                    String.valueOf(depth.whole(row, "depth")),
                    share,
                    chance,
                    Numbers.percent(share, 1),
                    Numbers.whole(depth.whole(row, "tokens")) + " tokens, " + Numbers.percent(share, 2) + "; by chance "
                            + Numbers.percent(chance, 2));
        }
        var node = routing.summary().path("depth");
        String note = "How many of the " + node.path("routed_blocks").asInt() + " routed blocks computed a token: mean "
                + Numbers.fixed(node.path("mean").asDouble(), 2) + ", variance "
                + Numbers.fixed(node.path("variance").asDouble(), 2) + " against "
                + Numbers.fixed(node.path("binomial_variance").asDouble(), 2)
                + " if every block chose at random. The dashes are that chance.";
        return Html.figure(
                "Depth per token", note, chart.draw("Depth per token", "routed blocks taken", "tokens", true));
    }

    private String lossByDepth() {
        Table depth = routing.table("depth");
        ColumnChart chart = new ColumnChart();
        for (int row = 0; row < depth.rows().size(); row++) {
            double loss = depth.number(row, "mean_loss");
            chart.column(
                    String.valueOf(depth.whole(row, "depth")),
                    loss,
                    Double.NaN,
                    Numbers.fixed(loss, 2),
                    Numbers.fixed(loss, 4) + " nats over " + Numbers.whole(depth.whole(row, "tokens")) + " tokens");
        }
        String note = "Mean loss of predicting the token after one of this depth. Spearman's correlation of depth and"
                + " loss: "
                + Numbers.fixed(routing.summary().path("depth_loss_spearman").asDouble(Double.NaN), 3)
                + ".";
        return Html.figure(
                "Do hard places go deep?",
                note,
                chart.draw("Loss by depth", "routed blocks taken", "nats per token", false));
    }

    private String classes() {
        Table classes = routing.table("classes");
        double most = rate;
        for (int row = 0; row < classes.rows().size(); row++) {
            most = Math.max(most, classes.number(row, "rate"));
        }
        StringBuilder out = new StringBuilder("<div class=\"wide\"><table><thead><tr><th>class</th>"
                + "<th>of all tokens</th><th>selection rate</th><th></th><th>lift</th><th>mean depth</th>"
                + "</tr></thead><tbody>");
        for (int row = 0; row < classes.rows().size(); row++) {
            double classRate = classes.number(row, "rate");
            out.append("<tr><th>")
                    .append(Html.escape(classes.text(row, "class")))
                    .append("</th><td>");
            out.append(Numbers.percent(classes.number(row, "share_of_tokens"), 1))
                    .append("</td><td>");
            out.append(Numbers.percent(classRate, 1)).append("</td><td class=\"meter long\">");
            out.append(Meter.html(classRate, most, rate)).append("</td><td>×\u2009");
            out.append(Numbers.fixed(classes.number(row, "lift"), 2)).append("</td><td>");
            out.append(Numbers.fixed(classes.number(row, "mean_depth"), 2)).append("</td></tr>");
        }
        return Html.figure(
                "Rate by class of token",
                "Mean over the routed blocks; the tick is the rate of all tokens, lift is relative to it.",
                out.append("</tbody></table></div>").toString());
    }

    /** Class x block: the shade is the rate, on one scale for all. */
    private String classesByBlock() {
        Table table = routing.table("classes_by_layer");
        Map<String, Map<Long, Integer>> rows = new LinkedHashMap<>();
        Set<Long> blocks = new TreeSet<>();
        double tokens = routing.summary().path("tokens").asDouble();
        double most = 0;
        for (int row = 0; row < table.rows().size(); row++) {
            long block = table.whole(row, "block");
            blocks.add(block);
            if (table.whole(row, "tokens") >= tokens * LEAST_SHARE) {
                most = Math.max(most, table.number(row, "rate"));
            }
            rows.computeIfAbsent(table.text(row, "class"), any -> new TreeMap<>())
                    .put(block, row);
        }
        if (blocks.size() < 2) {
            return "";
        }
        StringBuilder out = new StringBuilder("<div class=\"wide\"><table class=\"cells\"><thead><tr><th>class</th>");
        blocks.forEach(block -> out.append("<th>block ").append(block).append("</th>"));
        out.append("</tr></thead><tbody>");
        for (Map.Entry<String, Map<Long, Integer>> kind : rows.entrySet()) {
            out.append("<tr><th>").append(Html.escape(kind.getKey())).append("</th>");
            for (int row : kind.getValue().values()) {
                double share = table.number(row, "rate");
                out.append("<td class=\"s")
                        .append(most > 0 ? Math.min(9, Math.round(9 * share / most)) : 0)
                        .append("\" title=\"")
                        .append(Numbers.whole(table.whole(row, "selected")))
                        .append(" of ")
                        .append(Numbers.whole(table.whole(row, "tokens")))
                        .append(" tokens, lift ")
                        .append(Numbers.fixed(table.number(row, "lift"), 2))
                        .append("\">")
                        .append(Numbers.percent(share, 1))
                        .append("</td>");
            }
            out.append("</tr>");
        }
        return Html.figure(
                "Which block takes what",
                "The share of each class's tokens that each routed block computed; hover for the counts and the lift over"
                        + " the block's own rate.",
                out.append("</tbody></table></div>").toString());
    }

    private String tokens(String list, String title) {
        Table tokens = routing.table("tokens");
        StringBuilder out = new StringBuilder("<div class=\"wide\"><table class=\"tokens\"><thead><tr><th>token</th>"
                + "<th>seen</th><th>rate</th><th></th><th>lift</th></tr></thead><tbody>");
        for (int row = 0; row < tokens.rows().size(); row++) {
            if (tokens.text(row, "list").equals(list)) {
                double tokenRate = tokens.number(row, "rate");
                out.append("<tr title=\"95 % interval ")
                        .append(Numbers.percent(tokens.number(row, "rate_low"), 1))
                        .append(" to ")
                        .append(Numbers.percent(tokens.number(row, "rate_high"), 1))
                        .append("\"><th><code>")
                        .append(Html.escape(tokens.text(row, "text").replace(' ', '␣')))
                        .append("</code></th><td>")
                        .append(Numbers.whole(tokens.whole(row, "occurrences")))
                        .append("</td><td>")
                        .append(Numbers.percent(tokenRate, 1))
                        .append("</td><td class=\"meter\">")
                        .append(Meter.html(tokenRate, 1, rate))
                        .append("</td><td>×\u2009")
                        .append(Numbers.fixed(tokens.number(row, "lift"), 2))
                        .append("</td></tr>");
            }
        }
        String note = "Of the tokens seen at least "
                + routing.summary().path("least_occurrences_listed").asInt()
                + " times; hover for the interval. The tick is the rate of all tokens.";
        return Html.figure(title, note, out.append("</tbody></table></div>").toString());
    }
}
