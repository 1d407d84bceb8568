package io.fathom.engine.cpu;

/**
 * {@link io.fathom.program.Instruction.AttentionGrad}: lanes share the pairs of a sequence and a head.
 *
 * <p>A block of queries at a time, last block first, so that its products set the gradients of all keys and values and
 * the others add to them. Scores lie transposed, as in {@link AttentionStep}: P = exp(scale q k' - logSumExp), dP = dy
 * v', dS = scale P (dP - sum over keys of P dP), dq = dS k, dk += dS' q, dv += P' dy. That sum is y dy, which is made
 * beforehand for all queries and heads of a sequence, so that one loop makes P and dS.
 *
 * @param ones at least as many as a head is wide: sums are products with them
 */
record AttentionGradStep(
        Floats qkv, Floats y, Floats logSumExp, Floats dy, Floats ones, Floats dqkv, AttentionShape shape)
        implements Step {
    @Override
    public void run(Lane lane) {
        int to = lane.to(shape.pairs());
        int last = (shape.length() - 1) / AttentionShape.QUERIES * AttentionShape.QUERIES;
        for (int pair = lane.from(shape.pairs()); pair < to; pair++) {
            if (pair == lane.from(shape.pairs()) || pair % shape.heads() == 0) {
                sumAlongKeys(lane, pair / shape.heads() * shape.length());
            }
            for (int query = last; query >= 0; query -= AttentionShape.QUERIES) {
                block(lane, pair, query, Math.min(AttentionShape.QUERIES, shape.length() - query));
            }
        }
    }

    /** Leaves y dy of the sequence whose rows begin at {@code first} in scratch: a row for each query. */
    private void sumAlongKeys(Lane lane, int first) {
        int width = shape.width();
        int heads = shape.heads();
        int d = shape.headWidth();
        int rows = Lane.rowsOfBlock(width);
        for (int row = 0; row < shape.length(); row += rows) {
            int n = Math.min(rows, shape.length() - row);
            y.get((first + row) * width, lane.a, n * width);
            dy.get((first + row) * width, lane.b, n * width);
            Vectors.multiply(lane.a, lane.b, n * width);
            lane.scratch.put(0, lane.a, n * width);
            long sums = lane.scratch.at(shape.sums() + (long) row * heads);
            lane.blas.gemv(false, n * heads, d, lane.scratch.at(0), d, ones.at(0), 0f, sums);
        }
    }

    private void block(Lane lane, int pair, int query, int queries) {
        int keys = query + queries;
        int d = shape.headWidth();
        int stride = shape.stride();
        int width = shape.width();
        float scale = shape.scale();
        float part = scale * Vectors.PART;
        long q = shape.queries(pair) + (long) query * stride;
        long k = shape.queries(pair) + width;
        long v = k + width;
        long dOut = dy.at(shape.output(pair) + (long) query * width);
        long p = lane.scratch.at(0);
        long ds = lane.scratch.at(shape.scores());
        float beta = keys == shape.length() ? 0f : 1f;
        Blas blas = lane.blas;
        blas.gemm(false, true, keys, queries, d, part, qkv.at(k), stride, qkv.at(q), stride, 0f, p, queries);
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
        logSumExp.get(pair * shape.length() + query, lane.c, queries);
        Vectors.scale(lane.c, 0, queries, Vectors.PART);
        Vectors.repeat(lane.c, queries, rows);
        takeSums(lane, pair, query, queries);
        Vectors.repeat(lane.d, queries, rows);
        for (int key = 0; key < keys; key += rows) {
            int n = Math.min(rows, keys - key) * queries;
            lane.scratch.get(key * queries, p, n);
            lane.scratch.get(shape.scores() + key * queries, ds, n);
            Vectors.differentiateExponentials(p, lane.c, ds, lane.d, n);
            AttentionShape.hide(p, key, n / queries, query, queries, 0f);
            AttentionShape.hide(ds, key, n / queries, query, queries, 0f);
            lane.scratch.put(key * queries, p, n);
            lane.scratch.put(shape.scores() + key * queries, ds, n);
        }
    }

    /** The sums along keys of {@code queries} queries of one head, to the front of {@code lane.d}. */
    private void takeSums(Lane lane, int pair, int query, int queries) {
        int heads = shape.heads();
        int head = pair % heads;
        // Read as a whole into the place of P, which comes later.
        lane.scratch.get(shape.sums() + query * heads, lane.a, queries * heads);
        for (int i = 0; i < queries; i++) {
            lane.d[i] = lane.a[i * heads + head];
        }
    }
}
