package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.Gather}: lanes share the rows taken. */
record GatherStep(Floats x, int[] index, Floats y, int width) implements Step {
    @Override
    public void run(Lane lane) {
        int block = Lane.rowsOfBlock(width);
        int to = lane.to(index.length);
        for (int row = lane.from(index.length); row < to; row += block) {
            int n = Math.min(block, to - row);
            for (int i = 0; i < n; i++) {
                x.get(index[row + i] * width, lane.a, i * width, width);
            }
            y.put(row * width, lane.a, n * width);
        }
    }
}
