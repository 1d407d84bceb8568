package io.fathom.engine.cpu;

import io.fathom.engine.cpu.AttentionTiles.Tile;
import java.util.Arrays;

/**
 * {@link io.fathom.program.Instruction.Attention} in tiles: lanes share the pairs of a sequence and a head.
 *
 * <p>Exponentials are made of the scores as they are: single precision holds e^80 and the sum of many. Where a query's
 * sum leaves the range in which that is safe, its block is done again with each query's largest score as its shift.
 *
 * @param ofLanes the tiles of lane i in place i
 * @param outputs of lane i in place i
 * @param ones as many as a tile has keys
 */
record TiledAttentionStep(
        Floats qkv, Floats y, Floats logSumExp, AttentionTiles[] ofLanes, PackedHeads[] outputs, Floats ones)
        implements Step {
    private static final float SMALLEST_SUM = 1e-25f;
    private static final float LARGEST_SUM = 1e25f;

    @Override
    public void run(Lane lane) {
        AttentionTiles tiles = ofLanes[lane.index];
        AttentionShape shape = tiles.shape();
        PackedHeads out = outputs[lane.index];
        int heads = shape.heads();
        int to = lane.to(shape.pairs());
        int pair = lane.from(shape.pairs());
        while (pair < to) {
            int sequence = pair / heads;
            int first = pair % heads;
            int end = Math.min(heads, first + to - pair);
            tiles.pack(qkv, sequence, first, end, lane);
            for (int head = first; head < end; head++) {
                attend(tiles, sequence, head, out, lane);
            }
            out.unpack(y, shape.output(sequence * heads), shape.width(), first, end, lane);
            pair += end - first;
        }
    }

    private void attend(AttentionTiles tiles, int sequence, int head, PackedHeads out, Lane lane) {
        int first = 0;
        for (Tile tile : tiles.tiles()) {
            if (tile.last()) {
                block(tiles, head, first, tile.index(), out, lane.blas);
                if (!safe(tiles, tile.queries(), lane)) {
                    shiftByLargest(tiles, head, first, tile.index(), lane);
                    block(tiles, head, first, tile.index(), out, lane.blas);
                }
                finish(tiles, sequence, head, tile, out, lane);
                first = tile.index() + 1;
            }
        }
    }

    /** Sums and outputs of one block of queries, tile by tile. */
    private void block(AttentionTiles tiles, int head, int first, int last, PackedHeads out, Blas blas) {
        int d = tiles.shape().headWidth();
        for (int i = first; i <= last; i++) {
            Tile tile = tiles.tiles()[i];
            tiles.exponentials(head, tile);
            int keys = tile.keys();
            int queries = tile.queries();
            long e = tiles.scores().at(0);
            long v = tiles.values().at(head, tile.key());
            long o = out.at(head, tile.query());
            float beta = i == first ? 0f : 1f;
            blas.gemv(
                    true,
                    keys,
                    queries,
                    e,
                    queries,
                    ones.at(0),
                    beta,
                    tiles.sums().at(0));
            blas.gemm(true, false, queries, d, keys, 1f, e, queries, v, tiles.stride(), beta, o, d);
        }
    }

    private static boolean safe(AttentionTiles tiles, int queries, Lane lane) {
        tiles.sums().get(0, lane.d, queries);
        boolean safe = true;
        for (int i = 0; i < queries; i++) {
            safe &= lane.d[i] > SMALLEST_SUM && lane.d[i] < LARGEST_SUM;
        }
        return safe;
    }

    private static void shiftByLargest(AttentionTiles tiles, int head, int first, int last, Lane lane) {
        int queries = tiles.tiles()[last].queries();
        int query = tiles.tiles()[last].query();
        int stride = tiles.stride();
        float[] largest = lane.d;
        Arrays.fill(largest, 0, queries, Float.NEGATIVE_INFINITY);
        for (int i = first; i <= last; i++) {
            Tile tile = tiles.tiles()[i];
            long k = tiles.keys().at(head, tile.key());
            long q = tiles.queries().at(head, query);
            long s = tiles.scores().at(0);
            lane.blas.gemm(false, true, tile.keys(), queries, stride, 1f, k, stride, q, stride, 0f, s, queries);
            for (int key = 0; key < tile.keys(); key++) {
                tiles.scores().get(key * queries, lane.a, queries);
                for (int j = Math.max(0, tile.key() + key - query); j < queries; j++) {
                    largest[j] = Math.max(largest[j], lane.a[j]);
                }
            }
        }
        for (int j = 0; j < queries; j++) {
            tiles.queries().last(head, query + j, -largest[j]);
        }
    }

    /** Divides the outputs of a block by its sums; log sum exp. */
    private void finish(AttentionTiles tiles, int sequence, int head, Tile last, PackedHeads out, Lane lane) {
        AttentionShape shape = tiles.shape();
        int d = shape.headWidth();
        int queries = last.queries();
        tiles.sums().get(0, lane.d, queries);
        int block = Lane.rowsOfBlock(d);
        for (int row = 0; row < queries; row += block) {
            int n = Math.min(block, queries - row);
            out.get(head, last.query() + row, lane.a, n);
            for (int i = 0; i < n; i++) {
                Vectors.scale(lane.a, i * d, (i + 1) * d, 1f / lane.d[row + i]);
            }
            out.put(head, last.query() + row, lane.a, n);
        }
        for (int i = 0; i < queries; i++) {
            float shift = tiles.queries().last(head, last.query() + i) * shape.scale();
            lane.d[i] = Vectors.log(lane.d[i]) - shift;
        }
        int pair = sequence * shape.heads() + head;
        logSumExp.put(pair * shape.length() + last.query(), lane.d, queries);
    }
}
