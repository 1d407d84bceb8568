package io.fathom.engine.cpu;

import org.jspecify.annotations.Nullable;

/** {@link io.fathom.program.Instruction.GatherGrad}: lanes share the rows of dx. */
record GatherGradStep(int[] index, Floats dy, @Nullable Floats addend, Floats dx, int rows, int width) implements Step {
    @Override
    public void run(Lane lane) {
        int from = lane.from(rows);
        int to = lane.to(rows);
        RowRange.copy(lane, addend, dx, from, to, width);
        for (int i = 0; i < index.length; i++) {
            if (index[i] < from || index[i] >= to) {
                continue;
            }
            dx.get(index[i] * width, lane.a, width);
            dy.get(i * width, lane.b, width);
            Vectors.add(lane.a, lane.b, width);
            dx.put(index[i] * width, lane.a, width);
        }
    }
}
