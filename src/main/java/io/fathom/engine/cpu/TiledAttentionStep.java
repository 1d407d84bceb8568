package io.fathom.engine.cpu;

import io.fathom.engine.cpu.AttentionTiles.Tile;
import io.fathom.engine.cpu.AttentionTiles.TileShape;
import java.util.Arrays;

/**
 * {@link io.fathom.program.Instruction.Attention} in tiles: lanes share the pairs of a sequence and a head.
 *
 * <p>Exponentials are made of the scores as they are: single precision holds e^80 and the sum of many. Where a query's
 * sum leaves the range in which that is safe, its block is done again with each query's largest score as its shift.
 *
 * @param ofLanes the tiles of lane i in place i
 * @param ones as many as a tile has keys
 */
record TiledAttentionStep(Floats qkv, Floats y, Floats logSumExp, AttentionTiles[] ofLanes, Floats ones)
        implements Step {
    private static final float SMALLEST_SUM = 1e-25f;
    private static final float LARGEST_SUM = 1e25f;

    @Override
    public void run(Lane lane) {
        AttentionTiles tiles = ofLanes[lane.index];
        AttentionShape shape = tiles.shape();
        int to = lane.to(shape.pairs());
        for (int pair = lane.from(shape.pairs()); pair < to; pair++) {
            tiles.pack(qkv, pair, lane);
            int end = tiles.tiles().length;
            for (int first = 0; first < end; ) {
                int last = first;
                while (!tiles.tiles()[last].shape().diagonal()) {
                    last++;
                }
                block(tiles, first, last, lane);
                if (!safe(tiles, tiles.tiles()[last].shape().queries(), lane)) {
                    shiftByLargest(tiles, first, last, lane);
                    block(tiles, first, last, lane);
                }
                finish(tiles, pair, tiles.tiles()[last], lane);
                first = last + 1;
            }
        }
    }

    /** Sums and outputs of one block of queries, tile by tile. */
    private void block(AttentionTiles tiles, int first, int last, Lane lane) {
        int d = tiles.shape().headWidth();
        for (int i = first; i <= last; i++) {
            Tile tile = tiles.tiles()[i];
            TileShape size = tile.shape();
            tiles.exponentials(tile);
            long e = tiles.scores().at(0);
            float beta = i == first ? 0f : 1f;
            lane.blas.gemv(
                    true,
                    size.keys(),
                    size.queries(),
                    e,
                    size.queries(),
                    ones.at(0),
                    beta,
                    tiles.sums().at(0));
            lane.blas.gemm(
                    true,
                    false,
                    size.queries(),
                    d,
                    size.keys(),
                    1f,
                    e,
                    size.queries(),
                    tiles.values().at((long) tile.key() * tiles.stride()),
                    tiles.stride(),
                    beta,
                    tiles.outputs().at(0),
                    d);
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

    private static void shiftByLargest(AttentionTiles tiles, int first, int last, Lane lane) {
        int queries = tiles.tiles()[last].shape().queries();
        int query = tiles.tiles()[last].query();
        float[] largest = lane.d;
        Arrays.fill(largest, 0, queries, Float.NEGATIVE_INFINITY);
        for (int i = first; i <= last; i++) {
            Tile tile = tiles.tiles()[i];
            lane.blas.gemm(
                    false,
                    true,
                    tile.shape().keys(),
                    queries,
                    tiles.stride(),
                    1f,
                    tiles.keys().at((long) tile.key() * tiles.stride()),
                    tiles.stride(),
                    tiles.queries().at((long) query * tiles.stride()),
                    tiles.stride(),
                    0f,
                    tiles.scores().at(0),
                    queries);
            for (int key = 0; key < tile.shape().keys(); key++) {
                tiles.scores().get(key * queries, lane.a, queries);
                for (int q = Math.max(0, tile.key() + key - query); q < queries; q++) {
                    largest[q] = Math.max(largest[q], lane.a[q]);
                }
            }
        }
        for (int q = 0; q < queries; q++) {
            tiles.shift(tiles.queries(), query + q, -largest[q]);
            largest[q] = 0f;
        }
    }

    /** Divides the outputs by the sums and writes them, and log sum exp. */
    private void finish(AttentionTiles tiles, int pair, Tile last, Lane lane) {
        AttentionShape shape = tiles.shape();
        int queries = last.shape().queries();
        int d = shape.headWidth();
        tiles.sums().get(0, lane.d, queries);
        int block = Lane.rowsOfBlock(d);
        for (int row = 0; row < queries; row += block) {
            int n = Math.min(block, queries - row);
            tiles.outputs().get(row * d, lane.a, n * d);
            for (int i = 0; i < n; i++) {
                Vectors.scale(lane.a, i * d, (i + 1) * d, 1f / lane.d[row + i]);
                long at = shape.output(pair) + (long) (last.query() + row + i) * shape.width();
                y.put((int) at, lane.a, i * d, d);
            }
        }
        for (int i = 0; i < queries; i++) {
            float shift = tiles.queries().get((last.query() + i) * tiles.stride() + d);
            lane.d[i] = Vectors.log(lane.d[i]) - shift;
        }
        logSumExp.put(pair * shape.length() + last.query(), lane.d, queries);
    }
}
