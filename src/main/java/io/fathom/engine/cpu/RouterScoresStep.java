package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.RouterScores}: lanes share the rows. */
record RouterScoresStep(Floats x, Floats w, Floats scores, int rows, int width) implements Step {
    @Override
    public void run(Lane lane) {
        int from = lane.from(rows);
        int n = lane.to(rows) - from;
        if (n > 0) {
            lane.blas.gemv(false, n, width, x.at((long) from * width), width, w.at(0), 0f, scores.at(from));
        }
    }
}
