package io.fathom.report;

/**
 * An inline SVG picture, element by element. Colours and fonts come from the page's style sheet through classes, so
 * that one picture serves light and dark.
 */
final class Svg {
    private final StringBuilder out = new StringBuilder();

    /**
     * A picture of {@code width} x {@code height} units that scales with its place; {@code label} says what it shows.
     */
    Svg(double width, double height, String label) {
        out.append("<svg viewBox=\"0 0 ")
                .append(n(width))
                .append(' ')
                .append(n(height))
                .append("\" role=\"img\" aria-label=\"")
                .append(Html.escape(label))
                .append("\">");
    }

    Svg line(double x1, double y1, double x2, double y2, String style) {
        out.append("<line class=\"").append(style).append("\" x1=\"").append(n(x1));
        out.append("\" y1=\"").append(n(y1)).append("\" x2=\"").append(n(x2));
        out.append("\" y2=\"").append(n(y2)).append("\"/>");
        return this;
    }

    Svg rectangle(double x, double y, double width, double height, String style, String tooltip) {
        out.append("<rect class=\"").append(style).append("\" x=\"").append(n(x));
        out.append("\" y=\"").append(n(y)).append("\" width=\"").append(n(Math.max(0, width)));
        out.append("\" height=\"").append(n(Math.max(0, height))).append('"');
        return close("rect", tooltip);
    }

    Svg circle(double x, double y, double radius, String style, String tooltip) {
        out.append("<circle class=\"").append(style).append("\" cx=\"").append(n(x));
        out.append("\" cy=\"").append(n(y)).append("\" r=\"").append(n(radius)).append('"');
        return close("circle", tooltip);
    }

    Svg path(String commands, String style) {
        out.append("<path class=\"")
                .append(style)
                .append("\" d=\"")
                .append(commands)
                .append("\"/>");
        return this;
    }

    /** Text with its {@code anchor} (start, middle, end) at x and its base line at y. */
    Svg text(double x, double y, String anchor, String style, String text) {
        out.append("<text class=\"").append(style).append("\" x=\"").append(n(x));
        out.append("\" y=\"")
                .append(n(y))
                .append("\" text-anchor=\"")
                .append(anchor)
                .append("\">");
        out.append(Html.escape(text)).append("</text>");
        return this;
    }

    /** Text that reads upwards, centred at (x, y). */
    Svg upwards(double x, double y, String style, String text) {
        out.append("<text class=\"").append(style).append("\" text-anchor=\"middle\" transform=\"translate(");
        out.append(n(x)).append(' ').append(n(y)).append(") rotate(-90)\">");
        out.append(Html.escape(text)).append("</text>");
        return this;
    }

    /** The finished picture. */
    String end() {
        return out + "</svg>";
    }

    /** A path of straight lines through the points. */
    static String polyline(double[] xs, double[] ys) {
        StringBuilder d = new StringBuilder();
        for (int i = 0; i < xs.length; i++) {
            d.append(i == 0 ? 'M' : 'L').append(n(xs[i])).append(' ').append(n(ys[i]));
        }
        return d.toString();
    }

    private Svg close(String element, String tooltip) {
        if (tooltip.isEmpty()) {
            out.append("/>");
        } else {
            out.append("><title>").append(Html.escape(tooltip)).append("</title></");
            out.append(element).append('>');
        }
        return this;
    }

    static String n(double value) {
        return Numbers.coordinate(value);
    }
}
