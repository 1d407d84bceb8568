package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.SiluGrad}: lanes share the elements. */
record SiluGradStep(Floats x, Floats dy, Floats dx, int length) implements Step {
    @Override
    public void run(Lane lane) {
        int to = lane.to(length);
        for (int at = lane.from(length); at < to; at += Lane.BLOCK) {
            int n = Math.min(Lane.BLOCK, to - at);
            x.get(at, lane.a, n);
            dy.get(at, lane.c, n);
            SiluStep.sigmoid(lane.a, lane.b, n);
            for (int i = 0; i < n; i++) {
                float s = lane.b[i];
                lane.c[i] *= s * Math.fma(lane.a[i], 1f - s, 1f);
            }
            dx.put(at, lane.c, n);
        }
    }
}
