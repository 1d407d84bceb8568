package io.fathom.engine.cpu;

/**
 * {@link io.fathom.program.Instruction.ColumnSum}, as a product with a row of ones: lanes share the columns.
 *
 * @param stride floats between two rows of dy
 * @param ones at least as many as dy has rows
 */
record ColumnSumStep(Floats dy, int stride, Floats ones, Floats dBias, int rows, int columns, Beta beta)
        implements Step {
    @Override
    public void run(Lane lane) {
        int from = lane.from(columns);
        int n = lane.to(columns) - from;
        if (n > 0) {
            lane.blas.gemv(true, rows, n, dy.at(from), stride, ones.at(0), beta.now(), dBias.at(from));
        }
    }
}
