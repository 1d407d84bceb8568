package io.fathom.engine.cpu;

import java.util.Arrays;

/** x = 0 where {@code beta} sets: lanes share the elements. */
record ZeroStep(Floats x, Beta beta) implements Step {
    @Override
    public void run(Lane lane) {
        if (!beta.sets()) {
            return;
        }
        Arrays.fill(lane.a, 0, Lane.BLOCK, 0f);
        int to = lane.to(x.length());
        for (int at = lane.from(x.length()); at < to; at += Lane.BLOCK) {
            x.put(at, lane.a, Math.min(Lane.BLOCK, to - at));
        }
    }
}
