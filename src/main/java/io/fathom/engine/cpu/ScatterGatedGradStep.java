package io.fathom.engine.cpu;

import io.fathom.model.Gate;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** {@link io.fathom.program.Instruction.ScatterGatedGrad}: lanes share the rows of dScores. */
record ScatterGatedGradStep(
        int[] index,
        Floats scores,
        Floats delta,
        Gate gate,
        boolean positive,
        Floats dy,
        @Nullable Floats addend,
        Floats dDelta,
        Floats dScores,
        int rows,
        int width)
        implements Step {
    @Override
    public void run(Lane lane) {
        int from = lane.from(rows);
        int to = lane.to(rows);
        RowRange.copy(lane, addend, dScores, from, to, 1);
        for (int i = 0; i < index.length; i++) {
            if (index[i] < from || index[i] >= to) {
                continue;
            }
            int row = index[i];
            float r = scores.get(row);
            if (positive && r <= 0) {
                Arrays.fill(lane.a, 0, width, 0f);
                dDelta.put(i * width, lane.a, width);
                continue;
            }
            dy.get(row * width, lane.a, width);
            delta.get(i * width, lane.b, width);
            float along = Vectors.dot(lane.a, 0, lane.b, 0, width);
            dScores.put(row, dScores.get(row) + (float) gate.derivative(r) * along);
            Vectors.scale(lane.a, 0, width, (float) gate.apply(r));
            dDelta.put(i * width, lane.a, width);
        }
    }
}
