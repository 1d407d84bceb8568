package io.fathom.report;

import io.fathom.routing.RoutingResults;
import io.fathom.routing.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Where and how surely each block's router chose. */
final class LayersSection {
    private final RoutingResults routing;

    LayersSection(RoutingResults routing) {
        this.routing = routing;
    }

    String html() {
        int blocks = routing.summary().at("/model/blocks").asInt();
        return Html.figure(
                        "Who goes through, by block and position",
                        "The share of the sequences in which a block computed this position. An even row means that the"
                                + " router follows the text; stripes, that it follows the place.",
                        "<div class=\"wide\">" + new HeatMap(routing.table("positions"), blocks).draw() + "</div>")
                + weights(
                        "sigmoid",
                        "Router weights",
                        "Tokens by σ(r), counts on a log axis. The dashed line is 0.5: with the auxiliary loss about"
                                + " the capacity's share should lie right of it.")
                + "<details><summary>Raw router weights r</summary>"
                + weights("r", "Raw router weights", "Before the gate; the dashed line is r = 0.") + "</details>"
                + layers()
                + "<div class=\"two\">" + deciles() + agreement() + "</div>";
    }

    private Set<Long> blocks() {
        Table layers = routing.table("layers");
        Set<Long> blocks = new TreeSet<>();
        for (int row = 0; row < layers.rows().size(); row++) {
            blocks.add(layers.whole(row, "block"));
        }
        return blocks;
    }

    private String weights(String quantity, String title, String note) {
        WeightChart chart = new WeightChart(routing.table("histograms"), quantity);
        StringBuilder out = new StringBuilder("<ul class=\"legend\"><li><i class=\"key box selected\"></i>selected</li>"
                + "<li><i class=\"key box bypassed\"></i>bypassed</li></ul><div class=\"multiples\">");
        for (long block : blocks()) {
            out.append(chart.draw(block, "block " + block));
        }
        return Html.figure(title, note, out.append("</div>").toString());
    }

    private String layers() {
        Table layers = routing.table("layers");
        StringBuilder out = new StringBuilder("<div class=\"wide\"><table><thead><tr><th>block</th><th>selected</th>"
                + "<th>σ(r) &gt; 0.5</th><th>router entropy</th><th>softmax entropy</th><th>threshold r<sub>(k)</sub>"
                + "</th><th>margin</th><th>first token</th></tr></thead><tbody>");
        for (int row = 0; row < layers.rows().size(); row++) {
            out.append("<tr><th>").append(layers.whole(row, "block")).append("</th>");
            cell(out, Numbers.percent(layers.number(row, "selection_rate"), 1));
            cell(out, Numbers.percent(layers.number(row, "above_half_share"), 1));
            cell(out, Numbers.fixed(layers.number(row, "binary_entropy_bits"), 3) + " bit");
            cell(out, Numbers.fixed(layers.number(row, "softmax_entropy"), 3));
            cell(out, Numbers.fixed(layers.number(row, "threshold"), 3));
            cell(out, Numbers.fixed(layers.number(row, "margin"), 4));
            cell(out, Numbers.percent(layers.number(row, "first_token_rate"), 1));
            out.append("</tr>");
        }
        return Html.figure(
                "Routers in numbers",
                "Router entropy is the mean of H(σ(r)): 1 bit is undecided. Softmax entropy is relative to log S: 1"
                        + " when all tokens weigh the same. Margin is r<sub>(k)</sub> − r<sub>(k+1)</sub>.",
                out.append("</tbody></table></div>").toString());
    }

    private static void cell(StringBuilder out, String text) {
        out.append("<td>").append(text).append("</td>");
    }

    private String deciles() {
        Table deciles = routing.table("deciles");
        LineChart chart = new LineChart("tenth of the sequence", "selection rate", true)
                .level("", routing.summary().path("selection_rate").asDouble());
        int index = 0;
        for (long block : blocks()) {
            List<LineChart.Point> points = new ArrayList<>();
            for (int row = 0; row < deciles.rows().size(); row++) {
                if (deciles.whole(row, "block") == block) {
                    double rate = deciles.number(row, "rate");
                    points.add(new LineChart.Point(
                            deciles.number(row, "decile"),
                            rate,
                            "block " + block + ", tenth " + deciles.whole(row, "decile") + ": "
                                    + Numbers.percent(rate, 2)));
                }
            }
            chart.curve("block " + block, "c" + index++ % 8, false, points);
        }
        return Html.figure(
                "Rate by place",
                "Ten equal parts of the sequence, first to last; the dashed line is the rate of the whole.",
                chart.draw("Selection rate by tenth of the sequence"));
    }

    private String agreement() {
        Table agreement = routing.table("agreement");
        if (agreement.rows().isEmpty()) {
            return "";
        }
        StringBuilder out = new StringBuilder("<div class=\"wide\"><table><thead><tr><th>blocks</th><th>Jaccard</th>"
                + "<th></th><th>by chance</th></tr></thead><tbody>");
        double most = 0;
        for (int row = 0; row < agreement.rows().size(); row++) {
            most = Math.max(most, agreement.number(row, "jaccard"));
            most = Math.max(most, 1.5 * agreement.number(row, "chance_jaccard"));
        }
        for (int row = 0; row < agreement.rows().size(); row++) {
            double jaccard = agreement.number(row, "jaccard");
            double chance = agreement.number(row, "chance_jaccard");
            out.append("<tr><th>").append(agreement.whole(row, "block")).append(" · ");
            out.append(agreement.whole(row, "other_block")).append("</th>");
            cell(out, Numbers.fixed(jaccard, 3));
            out.append("<td class=\"meter\">")
                    .append(Meter.html(jaccard, most, chance))
                    .append("</td>");
            cell(out, Numbers.fixed(chance, 3));
            out.append("</tr>");
        }
        return Html.figure(
                "Do blocks choose the same tokens?",
                "Tokens both took over tokens either took. The tick is what two routers that know nothing of each"
                        + " other would share.",
                out.append("</tbody></table></div>").toString());
    }
}
