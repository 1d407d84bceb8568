package io.fathom.report;

import io.fathom.routing.Table;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Layer x position: which share of the sequences a routed block computed at each position; dense blocks between. */
final class HeatMap {
    private static final double WIDTH = 1090;
    private static final double LEFT = 74;
    private static final double RIGHT = 66;
    private static final double ROUTED = 34;
    private static final double DENSE = 12;
    private static final double GAP = 3;
    private static final int MOST_COLUMNS = 128;

    private final Map<Integer, double[]> rates = new TreeMap<>();
    private final int blocks;
    private final int length;
    private final int columns;

    /** The map of the table {@code positions} of a model with {@code blocks} blocks. */
    HeatMap(Table positions, int blocks) {
        this.blocks = blocks;
        Set<Long> seen = new TreeSet<>();
        for (int row = 0; row < positions.rows().size(); row++) {
            seen.add(positions.whole(row, "position"));
        }
        this.length = seen.size();
        this.columns = Math.min(length, MOST_COLUMNS);
        for (int row = 0; row < positions.rows().size(); row++) {
            int column = column(positions.whole(row, "position"));
            double[] cells = rates.computeIfAbsent((int) positions.whole(row, "block"), any -> new double[columns]);
            cells[column] += positions.number(row, "rate") / (first(column + 1) - first(column));
        }
    }

    private int column(long position) {
        int column = (int) (position * columns / length);
        return first(column + 1) <= position ? column + 1 : column;
    }

    private long first(int column) {
        return ((long) column * length + columns - 1) / columns;
    }

    String draw() {
        double most = rates.values().stream()
                .mapToDouble(cells -> java.util.Arrays.stream(cells).max().orElse(0))
                .max()
                .orElse(0);
        double scale = Math.min(1, Scale.roundUp(most, 5));
        double height = 46;
        for (int block = 0; block < blocks; block++) {
            height += (rates.containsKey(block) ? ROUTED : DENSE) + GAP;
        }
        Svg svg = new Svg(WIDTH, height, "Selection rate by block and position");
        double y = 18;
        svg.text(WIDTH - RIGHT + 8, 11, "start", "axis", "mean");
        for (int block = blocks - 1; block >= 0; block--) {
            double[] cells = rates.get(block);
            double rowHeight = cells == null ? DENSE : ROUTED;
            svg.text(LEFT - 8, y + rowHeight / 2 + 3.5, "end", "tick", "block " + block);
            if (cells == null) {
                svg.rectangle(
                        LEFT,
                        y,
                        WIDTH - LEFT - RIGHT,
                        DENSE,
                        "dense-row",
                        "block " + block + " is dense: it computes every token");
                svg.text(WIDTH - RIGHT + 8, y + DENSE / 2 + 3.5, "start", "note", "dense");
            } else {
                row(svg, block, cells, y, scale);
            }
            y += rowHeight + GAP;
        }
        axis(svg, y);
        return svg.end() + Shades.key("0 %", Numbers.percent(scale, 0), "of the sequences take this position");
    }

    private void row(Svg svg, int block, double[] cells, double y, double scale) {
        double cell = (WIDTH - LEFT - RIGHT) / columns;
        double mean = 0;
        for (int column = 0; column < columns; column++) {
            long from = first(column);
            long to = first(column + 1) - 1;
            mean += cells[column] * (to - from + 1) / length;
            String where = from == to ? "position " + from : "positions " + from + "–" + to;
            // A hair of overlap, so that no seam shows between cells.
            svg.rectangle(
                    LEFT + column * cell,
                    y,
                    cell + (column < columns - 1 ? 0.4 : 0),
                    ROUTED,
                    Shades.of(cells[column], scale),
                    "block " + block + ", " + where + ": " + Numbers.percent(cells[column], 1));
        }
        svg.text(
                WIDTH - RIGHT + 8,
                y + ROUTED / 2 + 4,
                "start",
                "value",
                String.format(Locale.ROOT, "%.1f %%", 100 * mean));
    }

    private void axis(Svg svg, double y) {
        Scale x = Scale.linear(0, length, LEFT, WIDTH - RIGHT);
        for (double tick : x.ticks(8)) {
            if (tick < length) {
                double at = x.at(tick) + (x.at(1) - x.at(0)) / 2;
                svg.line(at, y, at, y + 4, "rule");
                svg.text(at, y + 16, "middle", "tick", Numbers.tick(tick));
            }
        }
        svg.text((LEFT + WIDTH - RIGHT) / 2, y + 28, "middle", "axis", "position in the sequence");
    }
}
