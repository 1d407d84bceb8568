package io.fathom.engine.cpu;

import java.util.Arrays;

/**
 * {@link io.fathom.program.Instruction.AttentionGrad}: lanes share the pairs of a sequence and a head.
 *
 * <p>A block of queries at a time, last block first, so that its products set the gradients of all keys and values and
 * the others add to them: P = exp(scale q k' - logSumExp), dP = dy v', dS = scale P (dP - sum over keys of P dP), dq =
 * dS k, dk += dS' q, dv += P' dy.
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
        long q = shape.queries(pair);
        long ofQueries = q + (long) query * stride;
        long ofKeys = q + width;
        long ofValues = q + 2L * width;
        long dOut = dy.at(shape.output(pair) + (long) query * width);
        long p = lane.scratch.at(0);
        long ds = lane.scratch.at(shape.scores());
        float accumulate = keys == shape.length() ? 0f : 1f;
        Blas blas = lane.blas;
        blas.gemm(
                false,
                true,
                queries,
                keys,
                d,
                shape.scale(),
                qkv.at(ofQueries),
                stride,
                qkv.at(ofKeys),
                stride,
                0f,
                p,
                keys);
        blas.gemm(false, true, queries, keys, d, 1f, dOut, width, qkv.at(ofValues), stride, 0f, ds, keys);
        differentiate(lane, pair, query, queries);
        blas.gemm(true, false, keys, d, queries, 1f, p, keys, dOut, width, accumulate, dqkv.at(ofValues), stride);
        blas.gemm(
                true,
                false,
                keys,
                d,
                queries,
                shape.scale(),
                ds,
                keys,
                qkv.at(ofQueries),
                stride,
                accumulate,
                dqkv.at(ofKeys),
                stride);
        blas.gemm(
                false,
                false,
                queries,
                d,
                keys,
                shape.scale(),
                ds,
                keys,
                qkv.at(ofKeys),
                stride,
                0f,
                dqkv.at(ofQueries),
                stride);
    }

    /** Scores to P and dP to dS / scale, both in place; what lies above the diagonal becomes 0. */
    private void differentiate(Lane lane, int pair, int query, int queries) {
        int keys = query + queries;
        float[] p = lane.a;
        float[] ds = lane.b;
        int block = Lane.rowsOfBlock(keys);
        for (int first = 0; first < queries; first += block) {
            int n = Math.min(block, queries - first);
            int length = n * keys;
            lane.scratch.get(first * keys, p, length);
            for (int i = 0; i < n; i++) {
                int row = query + first + i;
                int end = i * keys + row + 1;
                Vectors.subtract(p, i * keys, end, logSumExp.get(pair * shape.length() + row));
                Arrays.fill(p, end, (i + 1) * keys, Vectors.LEAST_EXPONENT);
            }
            Vectors.expOfShifted(p, 0, length, 0f);
            lane.scratch.get(shape.scores() + first * keys, ds, length);
            for (int i = 0; i < n; i++) {
                int at = i * keys;
                int end = at + query + first + i + 1;
                Arrays.fill(p, end, at + keys, 0f);
                Vectors.subtractAndMultiply(ds, Vectors.dot(p, at, ds, at, end - at), p, at, end);
                Arrays.fill(ds, end, at + keys, 0f);
            }
            lane.scratch.put(first * keys, p, length);
            lane.scratch.put(shape.scores() + first * keys, ds, length);
        }
    }
}
