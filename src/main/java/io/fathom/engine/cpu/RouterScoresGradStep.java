package io.fathom.engine.cpu;

import org.jspecify.annotations.Nullable;

/** {@link io.fathom.program.Instruction.RouterScoresGrad}: lanes share the rows of dx and the columns of dW. */
record RouterScoresGradStep(
        Floats x,
        Floats w,
        Floats dScores,
        @Nullable Floats addend,
        Floats dx,
        Floats dW,
        int rows,
        int width,
        Beta beta)
        implements Step {
    @Override
    public void run(Lane lane) {
        int from = lane.from(rows);
        int n = lane.to(rows) - from;
        if (n > 0) {
            RowRange.copy(lane, addend, dx, from, from + n, width);
            lane.blas.ger(n, width, dScores.at(from), w.at(0), dx.at((long) from * width), width);
        }
        int column = lane.from(width);
        int columns = lane.to(width) - column;
        if (columns > 0) {
            lane.blas.gemv(true, rows, columns, x.at(column), width, dScores.at(0), beta.now(), dW.at(column));
        }
    }
}
