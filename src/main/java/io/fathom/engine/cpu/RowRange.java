package io.fathom.engine.cpu;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What steps that scatter rows have in common: a lane owns a range of rows, and those indices that fall in it. */
final class RowRange {
    private RowRange() {}

    /** to = from on rows [first, last), zero where there is no {@code from}; nothing where they share a place. */
    static void copy(Lane lane, @Nullable Floats from, Floats to, int first, int last, int width) {
        if (from != null && from.sharesPlaceWith(to)) {
            return;
        }
        if (from == null) {
            Arrays.fill(lane.a, 0f);
        }
        int block = Lane.rowsOfBlock(width);
        for (int row = first; row < last; row += block) {
            int length = Math.min(block, last - row) * width;
            if (from != null) {
                from.get(row * width, lane.a, length);
            }
            to.put(row * width, lane.a, length);
        }
    }
}
