package io.fathom.engine.cpu;

import io.fathom.model.Gate;
import org.jspecify.annotations.Nullable;

/** {@link io.fathom.program.Instruction.ScatterGatedGrad}: lanes share the rows of dScores. */
record ScatterGatedGradStep(
        int[] index,
        Floats scores,
        Floats delta,
        Gate gate,
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
        int end = RowRange.first(index, to);
        for (int i = RowRange.first(index, from); i < end; i++) {
            int row = index[i];
            float r = scores.get(row);
            dy.get(row * width, lane.a, width);
            delta.get(i * width, lane.b, width);
            float along = Vectors.dot(lane.a, 0, lane.b, 0, width);
            dScores.put(row, dScores.get(row) + (float) gate.derivative(r) * along);
            Vectors.scale(lane.a, 0, width, (float) gate.apply(r));
            dDelta.put(i * width, lane.a, width);
        }
    }
}
