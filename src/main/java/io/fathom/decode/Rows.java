package io.fathom.decode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Tokens on their way through the blocks: the residual stream of each and whose it is. Those of one sequence are in
 * ascending order.
 *
 * @param x residual streams [tokens, D], shared with the rows selected from these
 * @param owners memory of the sequence of each
 */
record Rows(float[][] x, ProcessorMemory[] owners) {
    /** Rows that go through a block at once: enough to use each weight often, few enough to bound the memory. */
    private static final int PART = 256;

    int count() {
        return x.length;
    }

    /** The rows {@code chosen}, ascending. */
    Rows only(int[] chosen) {
        Rows rows = new Rows(new float[chosen.length][], new ProcessorMemory[chosen.length]);
        for (int n = 0; n < chosen.length; n++) {
            rows.x[n] = x[chosen[n]];
            rows.owners[n] = owners[chosen[n]];
        }
        return rows;
    }

    /** The same rows in order, in parts that bound the memory of a block; none when there are none. */
    List<Rows> parts() {
        List<Rows> parts = new ArrayList<>();
        for (int from = 0; from < count(); from += PART) {
            int to = Math.min(count(), from + PART);
            parts.add(new Rows(Arrays.copyOfRange(x, from, to), Arrays.copyOfRange(owners, from, to)));
        }
        return parts;
    }
}
