package io.fathom.engine.cpu;

import java.util.Arrays;

/**
 * {@link io.fathom.program.Instruction.AttentionGrad}: lanes share the pairs of a sequence and a head.
 *
 * <p>A block of queries at a time, last block first, so that its products set the gradients of all keys and values and
 * the others add to them. Scores lie transposed, as in {@link AttentionStep}: P = exp(scale q k' - logSumExp), dP = dy
 * v', dS = scale P (dP - sum over keys of P dP), dq = dS k, dk += dS' q, dv += P' dy.
 */
record AttentionGradStep(Floats qkv, Floats logSumExp, Floats dy, Floats dqkv, AttentionShape shape) implements Step {
    @Override
    public void run(Lane lane) {
        int to = lane.to(shape.pairs());
        int last = (shape.length() - 1) / AttentionShape.QUERIES * AttentionShape.QUERIES;
        for (int pair = lane.from(shape.pairs()); pair < to; pair++) {
            for (int query = last; query >= 0; query -= AttentionShape.QUERIES) {
                block(lane, pair, query, Math.min(AttentionShape.QUERIES, shape.length() - query));
            }
        }
    }

    private void block(Lane lane, int pair, int query, int queries) {
        int keys = query + queries;
        int d = shape.headWidth();
        int stride = shape.stride();
        int width = shape.width();
        float scale = shape.scale();
        long q = shape.queries(pair) + (long) query * stride;
        long k = shape.queries(pair) + width;
        long v = k + width;
        long dOut = dy.at(shape.output(pair) + (long) query * width);
        long p = lane.scratch.at(0);
        long ds = lane.scratch.at(shape.scores());
        float beta = keys == shape.length() ? 0f : 1f;
        Blas blas = lane.blas;
        blas.gemm(false, true, keys, queries, d, scale, qkv.at(k), stride, qkv.at(q), stride, 0f, p, queries);
        blas.gemm(false, true, keys, queries, d, 1f, qkv.at(v), stride, dOut, width, 0f, ds, queries);
        differentiate(lane, pair, query, queries);
        blas.gemm(false, false, keys, d, queries, 1f, p, queries, dOut, width, beta, dqkv.at(v), stride);
        blas.gemm(false, false, keys, d, queries, scale, ds, queries, qkv.at(q), stride, beta, dqkv.at(k), stride);
        blas.gemm(true, false, queries, d, keys, scale, ds, queries, qkv.at(k), stride, 0f, dqkv.at(q), stride);
    }

    /** Scores to P and dP to dS / scale, both in place; 0 for the keys that a query does not see. */
    private void differentiate(Lane lane, int pair, int query, int queries) {
        int keys = query + queries;
        int rows = Math.min(keys, Lane.rowsOfBlock(queries));
        float[] p = lane.a;
        float[] ds = lane.b;
        float[] along = lane.c;
        logSumExp.get(pair * shape.length() + query, lane.d, queries);
        Vectors.repeat(lane.d, queries, rows);
        Arrays.fill(along, 0, rows * queries, 0f);
        for (int key = 0; key < keys; key += rows) {
            int n = Math.min(rows, keys - key) * queries;
            lane.scratch.get(key * queries, p, n);
            Vectors.expOfDifferences(p, lane.d, n);
            AttentionShape.hide(p, key, n / queries, query, queries, 0f);
            lane.scratch.put(key * queries, p, n);
            lane.scratch.get(shape.scores() + key * queries, ds, n);
            Vectors.addProducts(along, p, ds, n);
        }
        Vectors.sumOfRows(along, rows, queries, lane.d);
        Vectors.repeat(along, queries, rows);
        for (int key = 0; key < keys; key += rows) {
            int n = Math.min(rows, keys - key) * queries;
            lane.scratch.get(key * queries, p, n);
            lane.scratch.get(shape.scores() + key * queries, ds, n);
            Vectors.subtractAndMultiply(ds, along, p, n);
            lane.scratch.put(shape.scores() + key * queries, ds, n);
        }
    }
}
