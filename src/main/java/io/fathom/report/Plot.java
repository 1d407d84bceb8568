package io.fathom.report;

/** The frame of a chart: axes with ticks, grid lines and titles, inside which marks are drawn. */
final class Plot {
    private static final double LEFT = 54;
    private static final double RIGHT = 14;
    private static final double TOP = 10;
    private static final double BOTTOM = 40;

    private final double width;
    private final double height;
    private final Svg svg;

    Plot(double width, double height, String label) {
        this.width = width;
        this.height = height;
        this.svg = new Svg(width, height, label);
    }

    double left() {
        return LEFT;
    }

    double right() {
        return width - RIGHT;
    }

    double top() {
        return TOP;
    }

    double bottom() {
        return height - BOTTOM;
    }

    Svg svg() {
        return svg;
    }

    /** Grid, labels and title of the vertical axis. */
    void vertical(Scale y, int ticks, String title, boolean percent) {
        for (double tick : y.ticks(ticks)) {
            svg.line(left(), y.at(tick), right(), y.at(tick), "grid");
            svg.text(left() - 8, y.at(tick) + 3.5, "end", "tick", label(tick, percent));
        }
        svg.upwards(13, (top() + bottom()) / 2, "axis", title);
    }

    /** Ticks, labels and title of a horizontal axis of numbers. */
    void horizontal(Scale x, int ticks, String title, boolean percent) {
        baseline();
        for (double tick : x.ticks(ticks)) {
            svg.line(x.at(tick), bottom(), x.at(tick), bottom() + 4, "rule");
            svg.text(x.at(tick), bottom() + 17, "middle", "tick", label(tick, percent));
        }
        horizontalTitle(title);
    }

    void baseline() {
        svg.line(left(), bottom(), right(), bottom(), "rule");
    }

    void horizontalTitle(String title) {
        svg.text((left() + right()) / 2, height - 4, "middle", "axis", title);
    }

    private static String label(double tick, boolean percent) {
        return percent ? Numbers.tick(100 * tick) + " %" : Numbers.tick(tick);
    }
}
