package io.fathom.engine.cpu;

import java.util.Arrays;

/**
 * {@link io.fathom.program.Instruction.Attention}: lanes share the pairs of a sequence and a head. Block of queries by
 * block: scores, softmax over the triangle, times values.
 */
record AttentionStep(Floats qkv, Floats y, Floats logSumExp, AttentionShape shape) implements Step {
    /** Below every score, and finite: a difference of infinities would be NaN. */
    private static final float MASKED = -1e30f;

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
        int headWidth = shape.headWidth();
        int stride = shape.stride();
        long q = shape.queries(pair);
        long scores = lane.scratch.at(0);
        lane.blas.gemm(
                false,
                true,
                queries,
                keys,
                headWidth,
                shape.scale(),
                qkv.at(q + (long) query * stride),
                stride,
                qkv.at(q + shape.width()),
                stride,
                0f,
                scores,
                keys);
        softmax(lane, pair, query, queries);
        lane.blas.gemm(
                false,
                false,
                queries,
                headWidth,
                keys,
                1f,
                scores,
                keys,
                qkv.at(q + 2L * shape.width()),
                stride,
                0f,
                y.at(shape.output(pair) + (long) query * shape.width()),
                shape.width());
    }

    /** Scores to probabilities, in place; what lies above the diagonal becomes 0. */
    private void softmax(Lane lane, int pair, int query, int queries) {
        int keys = query + queries;
        float[] p = lane.a;
        int block = Lane.rowsOfBlock(keys);
        for (int first = 0; first < queries; first += block) {
            int n = Math.min(block, queries - first);
            int row = query + first;
            lane.scratch.get(first * keys, p, n * keys);
            fillMasked(p, keys, row, n, MASKED);
            float shift = SoftmaxRows.exponentials(p, n * keys, lane.b, lane.c);
            for (int i = 0; i < n; i++) {
                int at = i * keys;
                int end = at + row + i + 1;
                float own = shift;
                float sum = Vectors.sum(p, at, end);
                if (SoftmaxRows.lost(sum)) {
                    own = again(lane, (first + i) * keys, at, row + i + 1);
                    sum = Vectors.sum(p, at, end);
                }
                Vectors.scale(p, at, end, 1f / sum);
                lane.d[i] = own + Vectors.log(sum);
            }
            fillMasked(p, keys, row, n, 0f);
            lane.scratch.put(first * keys, p, n * keys);
            logSumExp.put(pair * shape.length() + row, lane.d, n);
        }
    }

    private static void fillMasked(float[] p, int keys, int row, int n, float value) {
        for (int i = 0; i < n; i++) {
            Arrays.fill(p, i * keys + row + i + 1, (i + 1) * keys, value);
        }
    }

    /** One row with a shift of its own, from the scores as they were; returns the shift. */
    private static float again(Lane lane, int from, int at, int n) {
        lane.scratch.get(from, lane.e, n);
        float shift = SoftmaxRows.exponentials(lane.e, n, lane.b, lane.c);
        System.arraycopy(lane.e, 0, lane.a, at, n);
        return shift;
    }
}
