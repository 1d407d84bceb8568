package io.fathom.engine.cpu;

/**
 * {@link io.fathom.program.Instruction.EmbeddingGrad}: a lane owns the tokens whose id leaves its index, and a share of
 * the positions, so that no two lanes add to one row.
 *
 * @param beta of the positions' gradient; to the tokens' it always adds
 */
record EmbeddingGradStep(
        int[] tokens, Floats dOut, Floats dTokenTable, Floats dPositionTable, int length, int width, Beta beta)
        implements Step {
    @Override
    public void run(Lane lane) {
        for (int row = 0; row < tokens.length; row++) {
            if (tokens[row] % lane.count == lane.index) {
                dTokenTable.get(tokens[row] * width, lane.a, width);
                add(lane, row);
                dTokenTable.put(tokens[row] * width, lane.a, width);
            }
        }
        int to = lane.to(length);
        for (int position = lane.from(length); position < to; position++) {
            beta.begin(dPositionTable, position * width, lane.a, width);
            for (int row = position; row < tokens.length; row += length) {
                add(lane, row);
            }
            dPositionTable.put(position * width, lane.a, width);
        }
    }

    /** Adds row {@code row} of dOut to the lane's first scratch row. */
    private void add(Lane lane, int row) {
        dOut.get(row * width, lane.b, width);
        Vectors.add(lane.a, lane.b, width);
    }
}
