package io.fathom.engine.cpu;

/** The second half of a head's block: dTable = beta dTable + dLogits' x. Lanes share the rows of the table. */
record HeadTableStep(
        Floats x, Floats dTable, Floats dLogits, int first, int count, int width, int vocabulary, Beta beta)
        implements Step {
    @Override
    public void run(Lane lane) {
        int from = lane.from(vocabulary);
        int n = lane.to(vocabulary) - from;
        if (n > 0) {
            lane.blas.gemm(
                    true,
                    false,
                    n,
                    width,
                    count,
                    1f,
                    dLogits.at(from),
                    vocabulary,
                    x.at((long) first * width),
                    width,
                    beta.now(),
                    dTable.at((long) from * width),
                    width);
        }
    }
}
