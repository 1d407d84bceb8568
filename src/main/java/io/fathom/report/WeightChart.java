package io.fathom.report;

import io.fathom.routing.Table;
import java.util.ArrayList;
import java.util.List;

/** Histograms of one routed block's weights: tokens selected over tokens bypassed, counts on a log axis. */
final class WeightChart {
    private static final double WIDTH = 350;
    private static final double HEIGHT = 210;

    private final Table histograms;
    private final String quantity;

    /** Charts of {@code quantity}: {@code sigmoid} or {@code r}. */
    WeightChart(Table histograms, String quantity) {
        this.histograms = histograms;
        this.quantity = quantity;
    }

    String draw(long block, String title) {
        List<Integer> bins = new ArrayList<>();
        long most = 1;
        for (int row = 0; row < histograms.rows().size(); row++) {
            if (histograms.whole(row, "block") == block
                    && histograms.text(row, "quantity").equals(quantity)) {
                bins.add(row);
                most = Math.max(most, Math.max(histograms.whole(row, "selected"), histograms.whole(row, "bypassed")));
            }
        }
        double lower = histograms.number(bins.get(0), "lower");
        double upper = histograms.number(bins.get(bins.size() - 1), "upper");
        Plot plot = new Plot(WIDTH, HEIGHT, title);
        Scale x = Scale.linear(lower, upper, plot.left(), plot.right());
        // The axis starts below one, so that a single token is seen.
        Scale y = Scale.logarithmic(0.5, most * 1.6, plot.bottom(), plot.top());
        plot.vertical(y, 5, "tokens", false);
        plot.svg().path(outline(bins, "bypassed", x, y, plot.bottom()), "area bypassed");
        plot.svg().path(outline(bins, "selected", x, y, plot.bottom()), "area selected");
        double half = quantity.equals("r") ? 0 : 0.5;
        if (half > lower && half < upper) {
            plot.svg().line(x.at(half), plot.top(), x.at(half), plot.bottom(), "level");
        }
        for (int bin : bins) {
            double left = x.at(histograms.number(bin, "lower"));
            plot.svg()
                    .rectangle(
                            left,
                            plot.top(),
                            x.at(histograms.number(bin, "upper")) - left,
                            plot.bottom() - plot.top(),
                            "hover",
                            Numbers.tick(histograms.number(bin, "lower")) + " to "
                                    + Numbers.tick(histograms.number(bin, "upper")) + ": "
                                    + Numbers.whole(histograms.whole(bin, "selected")) + " selected, "
                                    + Numbers.whole(histograms.whole(bin, "bypassed")) + " bypassed");
        }
        plot.horizontal(x, 5, quantity.equals("r") ? "router weight r" : "σ(r)", false);
        return "<div class=\"small\"><h4>" + Html.escape(title) + "</h4>"
                + plot.svg().end() + "</div>";
    }

    /** The steps over the bins of one side, closed along the bottom. */
    private String outline(List<Integer> bins, String side, Scale x, Scale y, double bottom) {
        StringBuilder d = new StringBuilder("M");
        d.append(Svg.n(x.at(histograms.number(bins.get(0), "lower"))))
                .append(' ')
                .append(Svg.n(bottom));
        for (int bin : bins) {
            double count = histograms.number(bin, side);
            double top = count == 0 ? bottom : y.at(count);
            d.append('L')
                    .append(Svg.n(x.at(histograms.number(bin, "lower"))))
                    .append(' ')
                    .append(Svg.n(top));
            d.append('L')
                    .append(Svg.n(x.at(histograms.number(bin, "upper"))))
                    .append(' ')
                    .append(Svg.n(top));
        }
        d.append('L').append(Svg.n(x.at(histograms.number(bins.get(bins.size() - 1), "upper"))));
        return d.append(' ').append(Svg.n(bottom)).append('Z').toString();
    }
}
