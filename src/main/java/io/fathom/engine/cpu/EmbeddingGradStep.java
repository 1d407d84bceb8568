package io.fathom.engine.cpu;

/**
 * {@link io.fathom.program.Instruction.EmbeddingGrad}: a lane owns the tokens whose id leaves its index, and a share of
 * the positions, so that no two lanes add to one row.
 */
record EmbeddingGradStep(int[] tokens, Floats dOut, Floats dTokenTable, Floats dPositionTable, int length, int width)
        implements Step {
    @Override
    public void run(Lane lane) {
        for (int row = 0; row < tokens.length; row++) {
            if (tokens[row] % lane.count == lane.index) {
                add(lane, dTokenTable, tokens[row], row);
            }
        }
        int to = lane.to(length);
        for (int position = lane.from(length); position < to; position++) {
            for (int row = position; row < tokens.length; row += length) {
                add(lane, dPositionTable, position, row);
            }
        }
    }

    private void add(Lane lane, Floats table, int tableRow, int row) {
        table.get(tableRow * width, lane.a, width);
        dOut.get(row * width, lane.b, width);
        Vectors.add(lane.a, lane.b, width);
        table.put(tableRow * width, lane.a, width);
    }
}
