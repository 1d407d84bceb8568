package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.ColumnSum}: lanes share the rows and sum in their partials, at {@code at}. */
record ColumnSumStep(Floats dy, int at, int rows, int columns) implements Step {
    @Override
    public void run(Lane lane) {
        int block = Lane.rowsOfBlock(columns);
        int to = lane.to(rows);
        for (int row = lane.from(rows); row < to; row += block) {
            int n = Math.min(block, to - row);
            dy.get(row * columns, lane.a, n * columns);
            for (int i = 0; i < n; i++) {
                Vectors.add(lane.partials, at, lane.a, i * columns, columns);
            }
        }
    }
}
