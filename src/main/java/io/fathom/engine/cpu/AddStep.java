package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.Add}: lanes share the elements. */
record AddStep(Floats a, Floats b, Floats c, int length) implements Step {
    @Override
    public void run(Lane lane) {
        int to = lane.to(length);
        for (int at = lane.from(length); at < to; at += Lane.BLOCK) {
            int n = Math.min(Lane.BLOCK, to - at);
            a.get(at, lane.a, n);
            b.get(at, lane.b, n);
            Vectors.add(lane.a, lane.b, n);
            c.put(at, lane.a, n);
        }
    }
}
