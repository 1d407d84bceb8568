package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.GeluGrad}: lanes share the elements. */
record GeluGradStep(Floats x, Floats dy, Floats dx, int length) implements Step {
    @Override
    public void run(Lane lane) {
        int to = lane.to(length);
        for (int at = lane.from(length); at < to; at += Lane.BLOCK) {
            int n = Math.min(Lane.BLOCK, to - at);
            x.get(at, lane.a, n);
            GeluStep.sigmoid(lane.a, lane.b, n);
            GeluStep.slope(lane.a, lane.b, lane.c, n);
            dy.get(at, lane.a, n);
            Vectors.multiply(lane.a, lane.c, n);
            dx.put(at, lane.a, n);
        }
    }
}
