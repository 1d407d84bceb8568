package io.fathom.engine.cpu;

import io.fathom.model.Gate;

/** {@link io.fathom.program.Instruction.ScatterGated}: lanes share the rows of y. */
record ScatterGatedStep(
        Floats x, int[] index, Floats scores, Floats delta, Gate gate, boolean positive, Floats y, int rows, int width)
        implements Step {
    @Override
    public void run(Lane lane) {
        int from = lane.from(rows);
        int to = lane.to(rows);
        RowRange.copy(lane, x, y, from, to, width);
        for (int i = 0; i < index.length; i++) {
            if (index[i] < from || index[i] >= to) {
                continue;
            }
            int row = index[i];
            float r = scores.get(row);
            if (positive && r <= 0) {
                continue;
            }
            y.get(row * width, lane.a, width);
            delta.get(i * width, lane.b, width);
            Vectors.addScaled(lane.a, (float) gate.apply(r), lane.b, width);
            y.put(row * width, lane.a, width);
        }
    }
}
