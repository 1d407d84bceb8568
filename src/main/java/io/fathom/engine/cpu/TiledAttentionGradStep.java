package io.fathom.engine.cpu;

import io.fathom.engine.cpu.AttentionTiles.Tile;

/**
 * {@link io.fathom.program.Instruction.AttentionGrad} in tiles: lanes share the pairs of a sequence and a head.
 *
 * <p>P = exp(scale q k' - logSumExp), dS = scale P (dy v' - dy . y), dq = dS k, dk = dS' q, dv = P' dy: the sum over
 * keys of P dP, which the gradient of softmax asks for, is the product of a row of dy and y. Blocks of queries come
 * last to first, so that the first tile of each block of keys has all its keys and sets what the others add to.
 *
 * @param ofLanes the tiles of lane i in place i
 */
record TiledAttentionGradStep(
        Floats qkv, Floats y, Floats logSumExp, Floats dy, Floats dqkv, AttentionGradTiles[] ofLanes) implements Step {
    @Override
    public void run(Lane lane) {
        AttentionGradTiles gradients = ofLanes[lane.index];
        AttentionTiles tiles = gradients.tiles();
        int pairs = tiles.shape().pairs();
        int to = lane.to(pairs);
        for (int pair = lane.from(pairs); pair < to; pair++) {
            tiles.pack(qkv, pair);
            gradients.pack(y, dy, pair);
            shift(gradients, pair, lane);
            for (int i = tiles.tiles().length - 1; i >= 0; i--) {
                tile(gradients, tiles.tiles()[i], lane.blas);
            }
            gradients.unpack(dqkv, pair);
        }
    }

    /** Shifts scores by -logSumExp, which the scale still multiplies, and output gradients by -dy . y. */
    private void shift(AttentionGradTiles gradients, int pair, Lane lane) {
        AttentionTiles tiles = gradients.tiles();
        int d = tiles.shape().headWidth();
        int length = tiles.shape().length();
        int stride = tiles.stride();
        int block = Lane.rowsOfBlock(stride);
        for (int row = 0; row < length; row += block) {
            int n = Math.min(block, length - row);
            gradients.dOutputs().get(row * stride, lane.a, n * stride);
            tiles.outputs().get(row * d, lane.b, n * d);
            logSumExp.get(pair * length + row, lane.c, n);
            for (int i = 0; i < n; i++) {
                lane.a[i * stride + d] = -Vectors.dot(lane.a, i * stride, lane.b, i * d, d);
                tiles.shift(tiles.queries(), row + i, -lane.c[i] / tiles.shape().scale());
            }
            gradients.dOutputs().put(row * stride, lane.a, n * stride);
        }
    }

    private static void tile(AttentionGradTiles gradients, Tile tile, Blas blas) {
        AttentionTiles tiles = gradients.tiles();
        int stride = tiles.stride();
        int d = tiles.shape().headWidth();
        int keys = tile.keys();
        int queries = tile.queries();
        tiles.exponentials(tile);
        gradients.scoreGradients(tile);
        long p = tiles.scores().at(0);
        long ds = gradients.dScores().at(0);
        long dy = gradients.dOutputs().at((long) tile.query() * stride);
        long q = tiles.queries().at((long) tile.query() * stride);
        long k = tiles.keys().at((long) tile.key() * stride);
        long dv = gradients.dValues().at((long) tile.key() * d);
        long dk = gradients.dKeys().at((long) tile.key() * d);
        long dq = gradients.dQueries().at((long) tile.query() * d);
        float toKeys = tile.query() + queries == tiles.shape().length() ? 0f : 1f;
        float toQueries = tile.last() ? 0f : 1f;
        blas.gemm(false, false, keys, d, queries, 1f, p, queries, dy, stride, toKeys, dv, d);
        blas.gemm(false, false, keys, d, queries, 1f, ds, queries, q, stride, toKeys, dk, d);
        blas.gemm(true, false, queries, d, keys, 1f, ds, queries, k, stride, toQueries, dq, d);
    }
}
