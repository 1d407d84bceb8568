package io.fathom.report;

/** A small horizontal bar for table cells. */
final class Meter {
    private Meter() {}

    /** A bar of {@code value} on a scale to {@code max}, with a tick at {@code mark}; NaN for none. */
    static String html(double value, double max, double mark) {
        String tick = Double.isFinite(mark) ? "<b style=\"left:" + share(mark, max) + "\"></b>" : "";
        return "<span class=\"bar-cell\"><i style=\"width:" + share(value, max) + "\"></i>" + tick + "</span>";
    }

    private static String share(double value, double max) {
        double share = max > 0 && Double.isFinite(value) ? Math.max(0, Math.min(1, value / max)) : 0;
        return Numbers.coordinate(100 * share) + "%";
    }
}
