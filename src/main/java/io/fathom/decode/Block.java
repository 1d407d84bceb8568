package io.fathom.decode;

import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import org.jspecify.annotations.Nullable;

/** The weights of one block and its delta: with y = Attn(LN1 x), d = y + MLP(LN2(x + y)). */
record Block(
        int index,
        int heads,
        Norm norm1,
        Matrix attention,
        float[] attentionBias,
        Matrix projection,
        float[] projectionBias,
        Norm norm2,
        Matrix fc,
        float[] fcBias,
        Matrix out,
        float[] outBias,
        @Nullable Router router) {

    static Block of(ModelSpec spec, Parameters from, int index) {
        return new Block(
                index,
                spec.heads(),
                from.norm("ln_1"),
                from.matrix("attn.c_attn.weight"),
                from.vector("attn.c_attn.bias"),
                from.matrix("attn.c_proj.weight"),
                from.vector("attn.c_proj.bias"),
                from.norm("ln_2"),
                from.matrix("mlp.c_fc.weight"),
                from.vector("mlp.c_fc.bias"),
                from.matrix("mlp.c_proj.weight"),
                from.vector("mlp.c_proj.bias"),
                router(spec, from, index));
    }

    private static @Nullable Router router(ModelSpec spec, Parameters from, int index) {
        if (!spec.routes(index) || !(spec.routing() instanceof Routing.Routed routed)) {
            return null;
        }
        Router.Predictor predictor = routed instanceof Routing.ExpertChoice choice && choice.predictor()
                ? new Router.Predictor(
                        from.matrix("predictor.fc.weight"),
                        from.vector("predictor.fc.bias"),
                        from.vector("predictor.out.weight"),
                        from.vector("predictor.out.bias")[0])
                : null;
        return new Router(from.vector("router.weight"), routed.gate(), predictor);
    }

    /**
     * Computes {@code rows}, the next tokens of their sequences that enter this block: x becomes x + g(r) d, or x + d
     * in a block that does not route. A token enters its sequence's cache before it attends to all that is there.
     */
    void addDelta(Rows rows) {
        float[][] x = rows.x();
        float[][] delta = delta(rows);
        for (int n = 0; n < x.length; n++) {
            float factor = router == null ? 1 : router.factor(x[n]);
            for (int d = 0; d < x[n].length; d++) {
                x[n][d] += factor * delta[n][d];
            }
        }
    }

    private float[][] delta(Rows rows) {
        float[][] x = rows.x();
        float[][] qkv = attention.times(norm1.apply(x), attentionBias);
        float[][] mixed = new float[x.length][];
        for (int n = 0; n < x.length; n++) {
            BlockCache cache = rows.owners()[n].cache(index);
            cache.add(qkv[n]);
            mixed[n] = cache.attend(qkv[n], heads);
        }
        float[][] delta = projection.times(mixed, projectionBias);
        float[][] middle = new float[x.length][];
        for (int n = 0; n < x.length; n++) {
            middle[n] = norm2.apply(sum(x[n], delta[n]));
        }
        float[][] hidden = fc.times(middle, fcBias);
        for (float[] row : hidden) {
            gelu(row);
        }
        float[][] mlp = out.times(hidden, outBias);
        for (int n = 0; n < x.length; n++) {
            delta[n] = sum(delta[n], mlp[n]);
        }
        return delta;
    }

    private static float[] sum(float[] a, float[] b) {
        float[] c = new float[a.length];
        for (int i = 0; i < c.length; i++) {
            c[i] = a[i] + b[i];
        }
        return c;
    }

    /** x becomes 0.5 x (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3), by tanh(u) = 1 - 2 / (exp(2u) + 1). */
    private static void gelu(float[] x) {
        double c = Math.sqrt(2 / Math.PI);
        for (int i = 0; i < x.length; i++) {
            double v = x[i];
            double u = c * (v + 0.044715 * v * v * v);
            x[i] = (float) (v * (1 - 1 / (Math.exp(2 * u) + 1)));
        }
    }
}
