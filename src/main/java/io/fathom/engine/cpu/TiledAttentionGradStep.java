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
        AttentionShape shape = tiles.shape();
        int heads = shape.heads();
        int to = lane.to(shape.pairs());
        int pair = lane.from(shape.pairs());
        while (pair < to) {
            int sequence = pair / heads;
            int first = pair % heads;
            int end = Math.min(heads, first + to - pair);
            long origin = shape.output(sequence * heads);
            tiles.pack(qkv, sequence, first, end, lane);
            gradients.dOutputs().pack(dy, origin, shape.width(), first, end, 0f, lane);
            shift(gradients, sequence, first, end, lane);
            for (int head = first; head < end; head++) {
                for (int i = tiles.tiles().length - 1; i >= 0; i--) {
                    tile(gradients, head, tiles.tiles()[i], lane.blas);
                }
            }
            gradients.unpack(dqkv, sequence, first, end, lane);
            pair += end - first;
        }
    }

    /** Shifts scores by -logSumExp, which the scale still multiplies, and output gradients by -dy . y. */
    private void shift(AttentionGradTiles gradients, int sequence, int first, int end, Lane lane) {
        AttentionTiles tiles = gradients.tiles();
        AttentionShape shape = tiles.shape();
        int d = shape.headWidth();
        for (int head = first; head < end; head++) {
            int pair = sequence * shape.heads() + head;
            for (int row = 0; row < shape.length(); row++) {
                float l = logSumExp.get(pair * shape.length() + row);
                tiles.queries().last(head, row, -l / shape.scale());
            }
        }
        int at = (int) shape.output(sequence * shape.heads()) + first * d;
        for (int row = 0; row < shape.length(); row++, at += shape.width()) {
            y.get(at, lane.a, (end - first) * d);
            dy.get(at, lane.b, (end - first) * d);
            for (int head = first; head < end; head++) {
                int own = (head - first) * d;
                gradients.dOutputs().last(head, row, -Vectors.dot(lane.a, own, lane.b, own, d));
            }
        }
    }

    private static void tile(AttentionGradTiles gradients, int head, Tile tile, Blas blas) {
        AttentionTiles tiles = gradients.tiles();
        int stride = tiles.stride();
        int d = tiles.shape().headWidth();
        int keys = tile.keys();
        int queries = tile.queries();
        tiles.exponentials(head, tile);
        gradients.scoreGradients(head, tile);
        long p = tiles.scores().at(0);
        long ds = gradients.dScores().at(0);
        long dy = gradients.dOutputs().at(head, tile.query());
        long q = tiles.queries().at(head, tile.query());
        long k = tiles.keys().at(head, tile.key());
        long dv = gradients.dValues().at(head, tile.key());
        long dk = gradients.dKeys().at(head, tile.key());
        long dq = gradients.dQueries().at(head, tile.query());
        float toKeys = tile.query() + queries == tiles.shape().length() ? 0f : 1f;
        float toQueries = tile.last() ? 0f : 1f;
        blas.gemm(false, false, keys, d, queries, 1f, p, queries, dy, stride, toKeys, dv, d);
        blas.gemm(false, false, keys, d, queries, 1f, ds, queries, q, stride, toKeys, dk, d);
        blas.gemm(true, false, queries, d, keys, 1f, ds, queries, k, stride, toQueries, dq, d);
    }
}
