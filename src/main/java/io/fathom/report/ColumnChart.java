package io.fathom.report;

import java.util.ArrayList;
import java.util.List;

/** Upright bars, each with a mark of what was expected. */
final class ColumnChart {
    private static final double WIDTH = 540;
    private static final double HEIGHT = 280;

    private final List<Column> columns = new ArrayList<>();

    /**
     * One bar.
     *
     * @param expected the height of its mark; NaN for none
     * @param above what is written above it
     */
    record Column(String name, double value, double expected, String above, String tooltip) {}

    ColumnChart column(String name, double value, double expected, String above, String tooltip) {
        columns.add(new Column(name, value, expected, above, tooltip));
        return this;
    }

    String draw(String label, String xTitle, String yTitle, boolean percent) {
        double most = 0;
        for (Column column : columns) {
            most = Math.max(most, Double.isFinite(column.value()) ? column.value() : 0);
            most = Math.max(most, Double.isFinite(column.expected()) ? column.expected() : 0);
        }
        Plot plot = new Plot(WIDTH, HEIGHT, label);
        Scale y = Scale.linear(0, most * 1.12, plot.bottom(), plot.top());
        plot.vertical(y, 5, yTitle, percent);
        double slot = (plot.right() - plot.left()) / columns.size();
        double bar = Math.min(72, slot * 0.62);
        for (int i = 0; i < columns.size(); i++) {
            Column column = columns.get(i);
            double middle = plot.left() + (i + 0.5) * slot;
            if (Double.isFinite(column.value())) {
                double top = y.at(column.value());
                plot.svg()
                        .rectangle(middle - bar / 2, top, bar, plot.bottom() - top, "bar", column.tooltip())
                        .text(
                                middle,
                                Math.min(top, Double.isFinite(column.expected()) ? y.at(column.expected()) : top) - 6,
                                "middle",
                                "value",
                                column.above());
            }
            if (Double.isFinite(column.expected())) {
                double at = y.at(column.expected());
                plot.svg().line(middle - bar / 2 - 5, at, middle + bar / 2 + 5, at, "expected");
            }
            plot.svg().text(middle, plot.bottom() + 17, "middle", "tick", column.name());
        }
        plot.baseline();
        plot.horizontalTitle(xTitle);
        return plot.svg().end();
    }
}
