package io.fathom.report;

/** Text made safe for HTML and SVG. */
final class Html {
    private Html() {}

    /** {@code text} with the characters that mean something in HTML or in a quoted attribute replaced. */
    static String escape(String text) {
        StringBuilder out = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '"' -> out.append("&quot;");
                case '\'' -> out.append("&#39;");
                default -> out.append(c);
            }
        }
        return out.toString();
    }

    /** A figure: heading, one line of explanation, then {@code body}, which is HTML. */
    static String figure(String title, String note, String body) {
        return "<figure><figcaption><h3>" + escape(title) + "</h3><p>" + note + "</p></figcaption>" + body
                + "</figure>\n";
    }

    /** What stands where a part is missing: what it is and how to make it. */
    static String missing(String what, String command) {
        return "<div class=\"missing\"><p>" + escape(what) + "</p><code>" + escape(command) + "</code></div>\n";
    }
}
