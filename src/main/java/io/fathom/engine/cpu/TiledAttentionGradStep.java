package io.fathom.engine.cpu;

import io.fathom.engine.cpu.AttentionTiles.Tile;

/**
 * {@link io.fathom.program.Instruction.AttentionGrad} in tiles: lanes share the pairs of a sequence and a head.
 *
 * <p>P = exp(scale q k' - logSumExp), dS = P (dy v' - dy . y), dq = scale dS k, dk = scale dS' q, dv = P' dy. The sum
 * over keys of P dP, which the gradient of softmax asks for, is the product of a row of dy and y. Blocks of queries
 * come last to first, so that the first tile of each block of keys has all its keys and sets what the others add to.
 */
record TiledAttentionGradStep(
        Floats qkv, Floats y, Floats logSumExp, Floats dy, Floats dqkv, AttentionGradTiles[] ofLanes) implements Step {
    @Override
    public void run(Lane lane) {
        AttentionGradTiles o = ofLanes[lane.index];
        AttentionTiles tiles = o.tiles();
        AttentionShape shape = tiles.shape();
        int to = lane.to(shape.pairs());
        for (int pair = lane.from(shape.pairs()); pair < to; pair++) {
            tiles.pack(qkv, pair, lane);
            tiles.pack(dy, shape.output(pair), shape.width(), o.dOutputs(), 1f, 0f, lane);
            shifts(o, pair, lane);
            for (int i = tiles.tiles().length - 1; i >= 0; i--) {
                tile(o, tiles.tiles()[i], lane.blas);
            }
            unpack(o.dQueries(), shape.queries(pair), shape, shape.scale(), lane);
            unpack(o.dKeys(), shape.queries(pair) + shape.width(), shape, 1f, lane);
            unpack(o.dValues(), shape.queries(pair) + 2L * shape.width(), shape, 1f, lane);
        }
    }

    /** Shifts queries by -logSumExp and output gradients by -dy . y. */
    private void shifts(AttentionGradTiles o, int pair, Lane lane) {
        AttentionShape shape = o.tiles().shape();
        int d = shape.headWidth();
        for (int query = 0; query < shape.length(); query++) {
            int at = (int) (shape.output(pair) + (long) query * shape.width());
            y.get(at, lane.a, d);
            dy.get(at, lane.b, d);
            o.tiles().shift(o.dOutputs(), query, -Vectors.dot(lane.a, 0, lane.b, 0, d));
            o.tiles().shift(o.tiles().queries(), query, -logSumExp.get(pair * shape.length() + query));
        }
    }

    private static void tile(AttentionGradTiles o, Tile tile, Blas blas) {
        AttentionTiles tiles = o.tiles();
        int stride = tiles.stride();
        int d = tiles.shape().headWidth();
        int keys = tile.shape().keys();
        int queries = tile.shape().queries();
        long ofKeys = (long) tile.key() * stride;
        long ofQueries = (long) tile.query() * stride;
        tiles.exponentials(tile);
        o.scoreGradients(tile);
        long p = tiles.scores().at(0);
        long ds = o.dScores().at(0);
        boolean firstOfKeys = tile.query() + queries == tiles.shape().length();
        float toKeys = firstOfKeys ? 0f : 1f;
        long dy = o.dOutputs().at(ofQueries);
        long dv = o.dValues().at((long) tile.key() * d);
        blas.gemm(false, false, keys, d, queries, 1f, p, queries, dy, stride, toKeys, dv, d);
        long q = tiles.queries().at(ofQueries);
        long dk = o.dKeys().at((long) tile.key() * d);
        blas.gemm(false, false, keys, d, queries, 1f, ds, queries, q, stride, toKeys, dk, d);
        long k = tiles.keys().at(ofKeys);
        long dq = o.dQueries().at((long) tile.query() * d);
        float toQueries = tile.shape().diagonal() ? 0f : 1f;
        blas.gemm(true, false, queries, d, keys, 1f, ds, queries, k, stride, toQueries, dq, d);
    }

    /** Writes the head's columns of dqkv from {@code first} on. */
    private void unpack(Floats from, long first, AttentionShape shape, float factor, Lane lane) {
        int d = shape.headWidth();
        int block = Lane.rowsOfBlock(d);
        for (int row = 0; row < shape.length(); row += block) {
            int n = Math.min(block, shape.length() - row);
            from.get(row * d, lane.a, n * d);
            if (factor != 1f) {
                Vectors.scale(lane.a, 0, n * d, factor);
            }
            for (int i = 0; i < n; i++) {
                dqkv.put((int) (first + (long) (row + i) * shape.stride()), lane.a, i * d, d);
            }
        }
    }
}
