package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.Embedding}: lanes share the rows. */
record EmbeddingStep(int[] tokens, Floats tokenTable, Floats positionTable, Floats out, int length, int width)
        implements Step {
    @Override
    public void run(Lane lane) {
        int block = Lane.rowsOfBlock(width);
        int to = lane.to(tokens.length);
        for (int row = lane.from(tokens.length); row < to; ) {
            int position = row % length;
            int rows = Math.min(Math.min(block, to - row), length - position);
            for (int i = 0; i < rows; i++) {
                tokenTable.get(tokens[row + i] * width, lane.a, i * width, width);
            }
            positionTable.get(position * width, lane.b, rows * width);
            Vectors.add(lane.a, lane.b, rows * width);
            out.put(row * width, lane.a, rows * width);
            row += rows;
        }
    }
}
