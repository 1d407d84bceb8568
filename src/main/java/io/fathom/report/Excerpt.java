package io.fathom.report;

import io.fathom.routing.RoutingResults;
import io.fathom.routing.Table;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Text of the validation split, each token on the shade of its depth. */
final class Excerpt {
    private final Table table;
    private final int routed;

    Excerpt(RoutingResults routing) {
        this.table = routing.table("excerpt");
        this.routed = routing.summary().at("/depth/routed_blocks").asInt();
    }

    String html() {
        StringBuilder out = new StringBuilder("<pre class=\"excerpt\">");
        for (int row = 0; row < table.rows().size(); ) {
            int next = character(row);
            span(out, row, next);
            row = next;
        }
        out.append("</pre>").append(key());
        return Html.figure(
                "Read it as the model does",
                "The beginning of the validation split, coloured by how many of the " + routed
                        + " routed blocks computed each token. Hover for the depth, and the loss of what follows.",
                out.toString());
    }

    private void span(StringBuilder out, int from, int to) {
        long depth = 0;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int row = from; row < to; row++) {
            depth = Math.max(depth, table.whole(row, "depth"));
            bytes.writeBytes(HexFormat.of().parseHex(table.text(row, "bytes_hex")));
        }
        String text = table.text(from, "bytes_hex").isEmpty() ? "⏹" : bytes.toString(StandardCharsets.UTF_8);
        out.append("<span class=\"").append(shade(depth)).append("\" title=\"depth ");
        out.append(depth).append(" of ").append(routed).append(", loss ");
        out.append(Numbers.fixed(table.number(to - 1, "loss"), 2)).append("\">");
        out.append(Html.escape(visible(text))).append("</span>");
    }

    /** A line end keeps its own shade by a mark in front of it. */
    private static String visible(String text) {
        return text.replace("\r", "").replace("\t", "→\t").replace("\n", "↵\n");
    }

    private String shade(long depth) {
        return "s" + (routed == 0 ? 0 : Math.round(9.0 * depth / routed));
    }

    /** The row after the tokens from {@code row} on that together make whole characters. */
    private int character(int row) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int next = row; next < Math.min(row + 4, table.rows().size()); next++) {
            if (next > row && table.whole(next, "position") == 0) {
                break;
            }
            bytes.writeBytes(HexFormat.of().parseHex(table.text(next, "bytes_hex")));
            if (isText(bytes.toByteArray())) {
                return next + 1;
            }
        }
        return row + 1;
    }

    private static boolean isText(byte[] bytes) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return true;
        } catch (CharacterCodingException partOfACharacter) {
            return false;
        }
    }

    private String key() {
        StringBuilder out = new StringBuilder("<ul class=\"legend depths\">");
        for (int depth = 0; depth <= routed; depth++) {
            out.append("<li><i class=\"key box ")
                    .append(shade(depth))
                    .append("\"></i>")
                    .append(depth)
                    .append("</li>");
        }
        return out.append("<li>routed blocks</li></ul>").toString();
    }
}
