package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.RouterScores}: lanes share the rows. */
record RouterScoresStep(Floats x, Floats w, Floats scores, int rows, int width) implements Step {
    @Override
    public void run(Lane lane) {
        int block = Lane.rowsOfBlock(width);
        int to = lane.to(rows);
        w.get(0, lane.b, width);
        for (int row = lane.from(rows); row < to; row += block) {
            int n = Math.min(block, to - row);
            x.get(row * width, lane.a, n * width);
            for (int i = 0; i < n; i++) {
                scores.put(row + i, Vectors.dot(lane.a, i * width, lane.b, 0, width));
            }
        }
    }
}
