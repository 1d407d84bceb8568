package io.fathom.engine.cpu;

import java.util.Arrays;

/**
 * {@link io.fathom.program.Instruction.Attention}: lanes share the pairs of a sequence and a head. Block of queries by
 * block: scores, softmax over the triangle, times values.
 */
record AttentionStep(Floats qkv, Floats y, Floats logSumExp, AttentionShape shape) implements Step {
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
            lane.scratch.get(first * keys, p, n * keys);
            for (int i = 0; i < n; i++) {
                int at = i * keys;
                int end = at + query + first + i + 1;
                float max = Vectors.max(p, at, end);
                Vectors.subtract(p, at, end, max);
                Arrays.fill(p, end, at + keys, Vectors.LEAST_EXPONENT);
                lane.b[i] = max;
            }
            Vectors.expOfNegative(p, 0, n * keys);
            for (int i = 0; i < n; i++) {
                int at = i * keys;
                int row = query + first + i;
                int end = at + row + 1;
                float sum = Vectors.sum(p, at, end);
                Vectors.scale(p, at, end, 1f / sum);
                Arrays.fill(p, end, at + keys, 0f);
                logSumExp.put(pair * shape.length() + row, lane.b[i] + (float) Math.log(sum));
            }
            lane.scratch.put(first * keys, p, n * keys);
        }
    }
}
