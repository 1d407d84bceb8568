package io.fathom.engine.cpu;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * {@link io.fathom.program.Instruction.RouterScoresGrad}: lanes share the rows and sum dW in their partials, at
 * {@code at}.
 */
record RouterScoresGradStep(
        Floats x, Floats w, Floats dScores, @Nullable Floats addend, Floats dx, int at, int rows, int width)
        implements Step {
    @Override
    public void run(Lane lane) {
        int block = Lane.rowsOfBlock(width);
        int to = lane.to(rows);
        w.get(0, lane.c, width);
        for (int row = lane.from(rows); row < to; row += block) {
            int n = Math.min(block, to - row);
            x.get(row * width, lane.a, n * width);
            if (addend == null) {
                Arrays.fill(lane.b, 0, n * width, 0f);
            } else {
                addend.get(row * width, lane.b, n * width);
            }
            for (int i = 0; i < n; i++) {
                float dScore = dScores.get(row + i);
                Vectors.addScaled(lane.partials, at, dScore, lane.a, i * width, width);
                Vectors.addScaled(lane.b, i * width, dScore, lane.c, 0, width);
            }
            dx.put(row * width, lane.b, n * width);
        }
    }
}
