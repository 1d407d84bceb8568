package io.fathom.report;

import java.util.ArrayList;
import java.util.Arrays;
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

    /** The least and the most of some values. */
    private static final class Range {
        private double least = Double.POSITIVE_INFINITY;
        private double most = Double.NEGATIVE_INFINITY;

        void include(double value) {
            least = Math.min(least, value);
            most = Math.max(most, value);
        }
    }

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

    /** Whether there is no curve. */
    boolean isEmpty() {
        return series.isEmpty();
    }

    /** Legend and picture. */
    String draw(String label) {
        Plot plot = new Plot(WIDTH, HEIGHT, label);
        Range across = new Range();
        Range up = new Range();
        // Faint curves do not widen the frame: the steep beginning of training would flatten all the rest.
        boolean allFaint = series.stream().allMatch(Series::faint);
        for (Series curve : series) {
            for (Point point : curve.points()) {
                across.include(point.x());
                if (allFaint || !curve.faint()) {
                    up.include(point.y());
                }
            }
        }
        // A level far above the curves would press them flat: then it is named at the edge instead.
        double reach = up.most + 1.5 * (up.most - up.least);
        levels.stream().filter(level -> percent || level.y() <= reach).forEach(level -> up.include(level.y()));
        // Rates are read against zero; a loss falls towards a floor that no one knows.
        double floor = percent ? 0 : up.least - 0.08 * (up.most - up.least);
        Scale x = Scale.linear(percent ? across.least : 0, across.most, plot.left(), plot.right());
        Scale y = Scale.linear(floor, up.most + 0.06 * (up.most - floor), plot.bottom(), plot.top());
        plot.vertical(y, 6, yTitle, percent);
        plot.horizontal(x, percent ? 10 : 6, xTitle, false);
        for (Level level : levels) {
            boolean within = level.y() <= y.max();
            if (within) {
                plot.svg().line(plot.left(), y.at(level.y()), plot.right(), y.at(level.y()), "level");
            }
            double above = within ? y.at(level.y()) - 5 : plot.top() + 10;
            plot.svg().text(plot.right() - 2, above, "end", "note", level.name() + (within ? "" : " ↑"));
        }
        series.stream().filter(Series::faint).forEach(curve -> draw(plot, curve, x, y));
        series.stream().filter(curve -> !curve.faint()).forEach(curve -> draw(plot, curve, x, y));
        return legend() + plot.svg().end();
    }

    private void draw(Plot plot, Series curve, Scale x, Scale y) {
        List<Point> points = thinned(curve.points(), MOST_POINTS);
        double[] xs = points.stream().mapToDouble(point -> x.at(point.x())).toArray();
        double[] ys = points.stream().mapToDouble(point -> y.at(point.y())).toArray();
        plot.svg().path(framed(xs, ys, plot.top()), "curve " + curve.style() + (curve.faint() ? " faint" : ""));
        for (Point point : thinned(curve.points(), MOST_TOOLTIPS)) {
            if (y.at(point.y()) < plot.top()) {
                continue;
            }
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

    /** The line through the points, begun where it last comes down into the frame. */
    private static String framed(double[] xs, double[] ys, double top) {
        int first = 0;
        for (int i = 0; i < ys.length; i++) {
            first = ys[i] < top ? i : first;
        }
        double[] x = Arrays.copyOfRange(xs, first, xs.length);
        double[] y = Arrays.copyOfRange(ys, first, ys.length);
        if (y[0] < top && y.length > 1) {
            x[0] += (x[1] - x[0]) * (top - y[0]) / (y[1] - y[0]);
            y[0] = top;
        }
        return y[0] < top ? "" : Svg.polyline(x, y);
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
