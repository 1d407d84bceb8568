package io.fathom.report;

/** The sequential colours of the style sheet, {@code q0} (least) to {@code q9} (most). */
final class Shades {
    static final int COUNT = 10;

    private Shades() {}

    /** The class of {@code value} on a scale from 0 to {@code max}. */
    static String of(double value, double max) {
        int shade = max <= 0 ? 0 : (int) Math.floor(value / max * COUNT);
        return "q" + Math.max(0, Math.min(COUNT - 1, shade));
    }

    /** A horizontal key of all shades with its ends and unit in words. */
    static String key(String least, String most, String unit) {
        StringBuilder out = new StringBuilder("<div class=\"shades\"><span>").append(Html.escape(least));
        out.append("</span>");
        for (int i = 0; i < COUNT; i++) {
            out.append("<i class=\"b").append(i).append("\"></i>");
        }
        out.append("<span>").append(Html.escape(most)).append("</span><em>").append(Html.escape(unit));
        return out.append("</em></div>").toString();
    }
}
