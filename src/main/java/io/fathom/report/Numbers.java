package io.fathom.report;

import java.util.Locale;

/** Numbers as people read them. */
final class Numbers {
    private static final String[] PREFIXES = {"", "k", "M", "G", "T", "P", "E", "Z"};

    private Numbers() {}

    /** Three significant digits and an SI prefix: 1.23 M, 45.6 k, 789. */
    static String si(double value) {
        if (value == 0 || !Double.isFinite(value)) {
            return value == 0 ? "0" : "–";
        }
        int step = (int) Math.floor(Math.log10(Math.abs(value) * 1.0005) / 3);
        step = Math.max(0, Math.min(PREFIXES.length - 1, step));
        double scaled = value / Math.pow(1000, step);
        int decimals = Math.abs(scaled) >= 99.95 ? 0 : Math.abs(scaled) >= 9.995 ? 1 : 2;
        String digits = trimmed(String.format(Locale.ROOT, "%." + decimals + "f", scaled));
        return step == 0 ? digits : digits + "\u00a0" + PREFIXES[step];
    }

    /** The same with a unit, which takes the prefix: 1.23 MFLOPs, 789 FLOPs. */
    static String si(double value, String unit) {
        String number = si(value);
        return number.indexOf('\u00a0') < 0 ? number + '\u00a0' + unit : number + unit;
    }

    /** Whole numbers with thin spaces between thousands. */
    static String whole(long value) {
        return String.format(Locale.ROOT, "%,d", value).replace(',', '\u2009');
    }

    /** A share as a percentage, on one line with its sign, with {@code decimals} digits. */
    static String percent(double share, int decimals) {
        return Double.isFinite(share)
                ? String.format(Locale.ROOT, "%." + decimals + "f", 100 * share) + "\u00a0%"
                : "–";
    }

    /** A number with {@code decimals} digits. */
    static String fixed(double value, int decimals) {
        return Double.isFinite(value)
                ? String.format(Locale.ROOT, "%." + decimals + "f", value).replace('-', '−')
                : "–";
    }

    /** A tick label: as short as its value allows. */
    static String tick(double value) {
        double size = Math.abs(value);
        if (size >= 1000) {
            return si(value);
        }
        String text = trimmed(String.format(Locale.ROOT, size < 0.01 ? "%.4f" : "%.3f", value));
        return text.equals("-0") ? "0" : text.replace('-', '−');
    }

    /** A coordinate. */
    static String coordinate(double value) {
        String text = trimmed(String.format(Locale.ROOT, "%.2f", value));
        return text.equals("-0") ? "0" : text;
    }

    private static String trimmed(String digits) {
        return digits.contains(".") ? digits.replaceAll("0+$", "").replaceAll("\\.$", "") : digits;
    }
}
