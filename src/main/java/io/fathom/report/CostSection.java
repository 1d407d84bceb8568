package io.fathom.report;

import com.fasterxml.jackson.databind.JsonNode;
import io.fathom.routing.RoutingResults;
import io.fathom.routing.Table;
import java.util.List;

/** What routing saved, and whether it can be had when generating. */
final class CostSection {
    private final RoutingResults routing;
    private final RunArtefacts run;

    CostSection(RoutingResults routing, RunArtefacts run) {
        this.routing = routing;
        this.run = run;
    }

    String html() {
        String evaluation = run.evaluation()
                .map(CostSection::modes)
                .orElseGet(() -> Html.missing(
                        "The loss under causal routing has not been measured.",
                        "./submit.sh evaluate --run " + run.path()));
        return flops() + causal() + evaluation;
    }

    private static String modes(JsonNode evaluation) {
        StringBuilder out = new StringBuilder("<div class=\"wide\"><table><thead><tr><th>mode</th>"
                + "<th>nats per token</th><th>bits per byte</th><th>gap to top-k</th><th>gap</th><th>takes</th>"
                + "<th>FLOPs of the dense twin</th></tr></thead><tbody>");
        for (JsonNode mode : evaluation.path("modes")) {
            out.append("<tr><th>")
                    .append(Html.escape(mode.path("mode").asText()))
                    .append("</th>");
            for (String cell : List.of(
                    Numbers.fixed(mode.path("loss").asDouble(Double.NaN), 4),
                    Numbers.fixed(mode.path("bits_per_byte").asDouble(Double.NaN), 4),
                    Numbers.fixed(mode.path("gap_nats").asDouble(Double.NaN), 4),
                    Numbers.percent(mode.path("gap_percent").asDouble(Double.NaN) / 100, 2),
                    Numbers.percent(mode.path("capacity").asDouble(Double.NaN), 1),
                    Numbers.percent(mode.path("share_of_dense_twin").asDouble(Double.NaN), 1))) {
                out.append("<td>").append(cell).append("</td>");
            }
            out.append("</tr>");
        }
        return Html.figure(
                "The price of not looking ahead",
                "The model scored as it generates, each block by the rule alone, over "
                        + Numbers.whole(evaluation.path("tokens").asLong()) + " validation tokens.",
                out.append("</tbody></table></div>").toString());
    }

    private String flops() {
        Table flops = routing.table("flops");
        double most = 0;
        for (int row = 0; row < flops.rows().size(); row++) {
            most = Math.max(most, flops.number(row, "share_of_dense_twin"));
        }
        StringBuilder out = new StringBuilder("<div class=\"wide\"><table><thead><tr><th>figure</th>"
                + "<th>FLOPs per token</th><th>of the dense twin</th><th></th><th>saved</th></tr></thead><tbody>");
        for (int row = 0; row < flops.rows().size(); row++) {
            String rule = flops.text(row, "rule");
            out.append("<tr><th>").append(Html.escape(flops.text(row, "figure")));
            out.append(rule.equals("none") ? "" : " <small>" + Html.escape(rule) + "</small>")
                    .append("</th><td>");
            out.append(Numbers.si(flops.number(row, "forward_flops_per_token"))).append("</td><td>");
            out.append(Numbers.percent(flops.number(row, "share_of_dense_twin"), 1));
            out.append("</td><td class=\"meter long\">");
            out.append(Meter.html(flops.number(row, "share_of_dense_twin"), most, 1))
                    .append("</td><td>");
            out.append(rule.equals("none") ? "" : Numbers.percent(flops.number(row, "saved"), 1))
                    .append("</td></tr>");
        }
        boolean agree = routing.summary().path("flops_agree").asBoolean();
        String note = "Matrix products of a forward pass, attention scores counted in full, head included."
                + " <em>Budgeted</em> by formula with k tokens a routed block, <em>counted</em> from the compiled"
                + " program, <em>realised</em> with the tokens that were taken. "
                + (agree
                        ? "The figures agree: budgeted and counted, and under top-k realised, are one number."
                        : "<strong>The figures do not agree: one of them is wrong.</strong>");
        return Html.figure(
                "Forward FLOPs three ways",
                note,
                out.append("</tbody></table></div>").toString());
    }

    private String causal() {
        Table causal = routing.table("causal");
        StringBuilder out =
                new StringBuilder("<div class=\"wide\"><table><thead><tr><th>block</th><th class=\"word\">rule</th>"
                        + "<th>takes</th><th>drift</th><th>tokens a sequence</th><th>accuracy</th><th>always bypass</th>"
                        + "<th>precision</th><th>recall</th><th>F1</th></tr></thead><tbody>");
        for (int row = 0; row < causal.rows().size(); row++) {
            double drift = causal.number(row, "drift");
            out.append("<tr><th>").append(causal.whole(row, "block")).append("</th><td class=\"word\">");
            out.append(causal.text(row, "rule").equals("router") ? "r &gt; 0" : "predictor &gt; 0")
                    .append("</td><td>");
            out.append(Numbers.percent(causal.number(row, "rate"), 1)).append("</td><td>");
            out.append(drift >= 0 ? "+" : "−")
                    .append(Numbers.percent(Math.abs(drift), 1))
                    .append("</td><td>");
            out.append(causal.whole(row, "fewest_tokens")).append("–").append(causal.whole(row, "most_tokens"));
            out.append("</td><td>")
                    .append(Numbers.percent(causal.number(row, "accuracy"), 1))
                    .append("</td><td>");
            out.append(Numbers.percent(causal.number(row, "bypass_baseline"), 1))
                    .append("</td><td>");
            out.append(Numbers.fixed(causal.number(row, "precision"), 2)).append("</td><td>");
            out.append(Numbers.fixed(causal.number(row, "recall"), 2)).append("</td><td>");
            out.append(Numbers.fixed(causal.number(row, "f1"), 2)).append("</td></tr>");
        }
        return Html.figure(
                "Without looking ahead",
                "Top-k sees later tokens, generation cannot. Each rule decides token by token; here against what"
                        + " top-k chose on the same sequences. Never taking a token already has the accuracy under"
                        + " <em>always bypass</em>.",
                out.append("</tbody></table></div>").toString());
    }
}
