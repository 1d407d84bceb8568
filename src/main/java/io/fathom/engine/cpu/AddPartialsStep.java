package io.fathom.engine.cpu;

import java.util.Arrays;

/** Adds one row that all lanes summed in their partials to its gradient, in the order of the lanes, and clears it. */
record AddPartialsStep(Lane[] lanes, int at, Floats gradient, int length) implements Step {
    @Override
    public void run(Lane lane) {
        int from = lane.from(length);
        int n = lane.to(length) - from;
        for (int done = 0; done < n; done += Lane.BLOCK) {
            int m = Math.min(Lane.BLOCK, n - done);
            gradient.get(from + done, lane.a, m);
            for (Lane other : lanes) {
                int start = at + from + done;
                for (int i = 0; i < m; i++) {
                    lane.a[i] += other.partials[start + i];
                }
                Arrays.fill(other.partials, start, start + m, 0f);
            }
            gradient.put(from + done, lane.a, m);
        }
    }
}
