package io.fathom.report;

import java.util.ArrayList;
import java.util.List;

/** Curves over a common horizontal axis. */
final class LineChart {
    private static final double WIDTH = 540;
    private static final double HEIGHT = 300;
    private static final int MOST_POINTS = 400;
    private static final int MOST_TOOLTIPS = 160;

    private final String xTitle;
    private final String yTitle;
    private final boolean percent;
    private final List<Series> series = new ArrayList<>();
    private final List<Level> levels = new ArrayList<>();

    /** One point, with what its tooltip says. */
    record Point(double x, double y, String tooltip) {}

    /**
     * One curve.
     *
     * @param style class of its colour
     * @param faint whether it stands back: thin, without dots
     */
    record Series(String name, String style, boolean faint, List<Point> points) {}

    private record Level(String name, double y) {}

    LineChart(String xTitle, String yTitle, boolean percent) {
        this.xTitle = xTitle;
        this.yTitle = yTitle;
        this.percent = percent;
    }

    /** Adds a curve; one without points draws nothing. */
    LineChart curve(String name, String style, boolean faint, List<Point> points) {
        if (!points.isEmpty()) {
            series.add(new Series(name, style, faint, points));
        }
        return this;
    }

    /** Adds a dashed horizontal line. */
    LineChart level(String name, double y) {
        levels.add(new Level(name, y));
        return this;
    }

    /** Legend and picture. */
    String draw(String label) {
        double maxX = 0;
        double minY = Double.POSITIVE_INFINITY;
        double maxY = Double.NEGATIVE_INFINITY;
        for (Series curve : series) {
            for (Point point : curve.points()) {
                maxX = Math.max(maxX, point.x());
                minY = Math.min(minY, point.y());
                maxY = Math.max(maxY, point.y());
            }
        }
        for (Level level : levels) {
            minY = Math.min(minY, level.y());
            maxY = Math.max(maxY, level.y());
        }
        double floor = minY < 0.45 * maxY ? 0 : minY - 0.06 * (maxY - minY);
        Plot plot = new Plot(WIDTH, HEIGHT, label);
        Scale x = Scale.linear(0, maxX, plot.left(), plot.right());
        Scale y = Scale.linear(floor, maxY + 0.04 * (maxY - floor), plot.bottom(), plot.top());
        plot.vertical(y, 6, yTitle, percent);
        plot.horizontal(x, 6, xTitle, false);
        for (Level level : levels) {
            plot.svg().line(plot.left(), y.at(level.y()), plot.right(), y.at(level.y()), "level");
            plot.svg().text(plot.right() - 2, y.at(level.y()) - 5, "end", "note", level.name());
        }
        series.stream().filter(Series::faint).forEach(curve -> draw(plot, curve, x, y));
        series.stream().filter(curve -> !curve.faint()).forEach(curve -> draw(plot, curve, x, y));
        return legend() + plot.svg().end();
    }

    private void draw(Plot plot, Series curve, Scale x, Scale y) {
        List<Point> points = thinned(curve.points(), MOST_POINTS);
        double[] xs = points.stream().mapToDouble(point -> x.at(point.x())).toArray();
        double[] ys = points.stream().mapToDouble(point -> y.at(point.y())).toArray();
        plot.svg().path(Svg.polyline(xs, ys), "curve " + curve.style() + (curve.faint() ? " faint" : ""));
        for (Point point : thinned(curve.points(), MOST_TOOLTIPS)) {
            boolean dot = !curve.faint() && curve.points().size() <= 60;
            plot.svg()
                    .circle(
                            x.at(point.x()),
                            y.at(point.y()),
                            dot ? 3 : 5,
                            dot ? "dot " + curve.style() : "hover",
                            point.tooltip());
        }
    }

    /** Evenly spaced points, the last one always among them. */
    private static List<Point> thinned(List<Point> points, int most) {
        if (points.size() <= most) {
            return points;
        }
        List<Point> kept = new ArrayList<>();
        for (int i = 0; i < most; i++) {
            kept.add(points.get((int) Math.round(i * (points.size() - 1.0) / (most - 1))));
        }
        return kept;
    }

    private String legend() {
        if (series.size() < 2) {
            return "";
        }
        StringBuilder out = new StringBuilder("<ul class=\"legend\">");
        for (Series curve : series) {
            out.append("<li><i class=\"key ")
                    .append(curve.style())
                    .append(curve.faint() ? " faint" : "")
                    .append("\"></i>")
                    .append(Html.escape(curve.name()))
                    .append("</li>");
        }
        return out.append("</ul>").toString();
    }
}
