package io.fathom.engine.cpu;

/** {@link io.fathom.program.Instruction.Silu}: lanes share the elements. The predictor alone uses it, so exact wins. */
record SiluStep(Floats x, Floats y, int length) implements Step {
    @Override
    public void run(Lane lane) {
        int to = lane.to(length);
        for (int at = lane.from(length); at < to; at += Lane.BLOCK) {
            int n = Math.min(Lane.BLOCK, to - at);
            x.get(at, lane.a, n);
            sigmoid(lane.a, lane.b, n);
            Vectors.multiply(lane.a, lane.b, n);
            y.put(at, lane.a, n);
        }
    }

    /** s = 1 / (1 + e^-x), by e^-|x| alone so that nothing overflows. */
    static void sigmoid(float[] x, float[] s, int n) {
        for (int i = 0; i < n; i++) {
            s[i] = -Math.abs(x[i]);
        }
        Vectors.expOfShifted(s, 0, n, 0f);
        for (int i = 0; i < n; i++) {
            float e = s[i];
            s[i] = (x[i] >= 0 ? 1f : e) / (1f + e);
        }
    }
}
