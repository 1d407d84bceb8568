package io.fathom.engine.cpu;

import java.util.Arrays;

/**
 * {@link io.fathom.program.Instruction.Attention}: lanes share the pairs of a sequence and a head. Block of queries by
 * block: scores, softmax over the keys that a query sees, times values.
 *
 * <p>Scores are kept transposed, a row for each key: what belongs to a query then has one place in every row, and all
 * loops run over whole blocks of rows at one index. They are kept {@link Vectors#PART}-fold smaller, as the exponential
 * wants them.
 */
record AttentionStep(Floats qkv, Floats y, Floats logSumExp, AttentionShape shape) implements Step {
    /** Below every score, and finite: a difference of infinities would be NaN. */
    private static final float HIDDEN = -1e30f;

    @Override
    public void run(Lane lane) {
        int to = lane.to(shape.pairs());
        for (int pair = lane.from(shape.pairs()); pair < to; pair++) {
            for (int query = 0; query < shape.length(); query += AttentionShape.QUERIES) {
                block(lane, pair, query, Math.min(AttentionShape.QUERIES, shape.length() - query));
            }
        }
    }

    private void block(Lane lane, int pair, int query, int queries) {
        int keys = query + queries;
        int d = shape.headWidth();
        int stride = shape.stride();
        float scale = shape.scale() * Vectors.PART;
        long q = shape.queries(pair);
        long k = q + shape.width();
        long v = k + shape.width();
        long ofQueries = qkv.at(q + (long) query * stride);
        long p = lane.scratch.at(0);
        long out = y.at(shape.output(pair) + (long) query * shape.width());
        lane.blas.gemm(false, true, keys, queries, d, scale, qkv.at(k), stride, ofQueries, stride, 0f, p, queries);
        softmax(lane, pair, query, queries);
        lane.blas.gemm(true, false, queries, d, keys, 1f, p, queries, qkv.at(v), stride, 0f, out, shape.width());
    }

    /** Scores to probabilities, in place; 0 for the keys that a query does not see. */
    private void softmax(Lane lane, int pair, int query, int queries) {
        int keys = query + queries;
        int rows = Math.min(keys, Lane.rowsOfBlock(queries));
        float[] largest = lane.b;
        float[] sums = lane.c;
        Arrays.fill(largest, 0, rows * queries, HIDDEN);
        for (int key = 0; key < keys; key += rows) {
            float[] p = lane.blocks[key / rows];
            int n = Math.min(rows, keys - key) * queries;
            lane.scratch.get(key * queries, p, n);
            AttentionShape.hide(p, key, n / queries, query, queries, HIDDEN);
            Vectors.larger(largest, p, n);
        }
        Vectors.largestOfRows(largest, rows, queries, lane.d);
        Vectors.repeat(largest, queries, rows);
        Arrays.fill(sums, 0, rows * queries, 0f);
        for (int key = 0; key < keys; key += rows) {
            int n = Math.min(rows, keys - key) * queries;
            Vectors.sumExponentials(lane.blocks[key / rows], largest, sums, n);
        }
        Vectors.sumOfRows(sums, rows, queries, lane.d);
        for (int i = 0; i < queries; i++) {
            largest[i] = largest[i] / Vectors.PART + Vectors.log(sums[i]);
            sums[i] = 1f / sums[i];
        }
        logSumExp.put(pair * shape.length() + query, largest, queries);
        Vectors.repeat(sums, queries, rows);
        for (int key = 0; key < keys; key += rows) {
            float[] p = lane.blocks[key / rows];
            int n = Math.min(rows, keys - key) * queries;
            Vectors.multiply(p, sums, n);
            AttentionShape.hide(p, key, n / queries, query, queries, 0f);
            lane.scratch.put(key * queries, p, n);
        }
    }
}
