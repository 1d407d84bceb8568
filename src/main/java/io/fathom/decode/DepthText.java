package io.fathom.decode;

import java.util.List;
import java.util.Locale;

/**
 * A text with each token in the colour of its depth: for a terminal with 256 colours, or as an HTML page that needs
 * nothing else.
 *
 * @param blocks L of the model
 * @param tokens in order
 */
public record DepthText(int blocks, List<RoutedToken> tokens) {
    /** From shallow to deep: blue, teal, green, yellow, red, as one sees heat. */
    private static final int[] TERMINAL = {27, 39, 44, 42, 148, 220, 208, 196};

    private static final String RESET = "\u001b[0m";

    public DepthText {
        tokens = List.copyOf(tokens);
    }

    /** The text in colours with a legend below; what the model wrote is bold, tokens it has not read are plain. */
    public String terminal() {
        StringBuilder out = new StringBuilder();
        for (RoutedToken token : tokens) {
            out.append(token.generated() ? "\u001b[1m" : "");
            out.append(token.depth() > 0 ? colour(token.depth()) : "");
            out.append(token.text()).append(RESET);
        }
        out.append("\n\ndepth ");
        for (int depth = 1; depth <= blocks; depth++) {
            if (countOf(depth) > 0) {
                out.append(colour(depth))
                        .append(depth)
                        .append(" of ")
                        .append(blocks)
                        .append(RESET)
                        .append(" (")
                        .append(countOf(depth))
                        .append(" tokens)  ");
            }
        }
        return out.toString().stripTrailing();
    }

    private String colour(int depth) {
        int step = blocks == 1 ? 0 : (depth - 1) * (TERMINAL.length - 1) / (blocks - 1);
        return "\u001b[38;5;" + TERMINAL[step] + "m";
    }

    private long countOf(int depth) {
        return tokens.stream().filter(t -> t.depth() == depth).count();
    }

    /** One self-contained page: the text, each token on a ground of its depth, its route in a tooltip. */
    public String html() {
        StringBuilder page = new StringBuilder();
        page.append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n")
                .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
                .append("<title>Depth of each token</title>\n<style>\n")
                .append(":root { color-scheme: light dark; --ground: #fff; --ink: #1b1f24; --deep: 14, 124, 134; }\n")
                .append("@media (prefers-color-scheme: dark) {\n")
                .append("  :root { --ground: #14171b; --ink: #e6e9ec; --deep: 52, 190, 200; } }\n")
                .append("body { background: var(--ground); color: var(--ink); max-width: 60rem; margin: 2rem auto;")
                .append(" padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }\n")
                .append(
                        "pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 16px/1.7 ui-monospace, monospace; }\n")
                .append(".t { border-radius: 2px; } .g { border-bottom: 2px solid currentColor; }\n")
                .append("table { border-collapse: collapse; } td, th { padding: .2rem .8rem; text-align: right; }\n")
                .append("</style></head><body>\n<h1>Depth of each token</h1>\n<p>")
                .append("The darker the ground, the more of the ")
                .append(blocks)
                .append(
                        " blocks computed the token; point at it for its route. Underlined: written by the model.</p>\n")
                .append("<pre>");
        tokens.forEach(token -> span(page, token));
        page.append("</pre>\n<table><tr><th>depth</th><th>tokens</th></tr>\n");
        for (int depth = 1; depth <= blocks; depth++) {
            page.append(String.format(
                    Locale.ROOT,
                    "<tr><td><span class=\"t\" style=\"%s\">&nbsp;%d&nbsp;</span></td><td>%d</td></tr>%n",
                    ground(depth),
                    depth,
                    countOf(depth)));
        }
        return page.append("</table>\n</body></html>\n").toString();
    }

    private void span(StringBuilder page, RoutedToken token) {
        String route = token.blocks().isEmpty() ? "not read" : "blocks " + token.blocks();
        page.append("<span class=\"t")
                .append(token.generated() ? " g" : "")
                .append("\" style=\"")
                .append(ground(token.depth()))
                .append("\" title=\"token ")
                .append(token.token())
                .append(", depth ")
                .append(token.depth())
                .append(" of ")
                .append(blocks)
                .append(", ")
                .append(route)
                .append("\">")
                .append(escaped(token.text()))
                .append("</span>");
    }

    private String ground(int depth) {
        return String.format(Locale.ROOT, "background: rgba(var(--deep), %.2f)", 0.75 * depth / blocks);
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
