package io.fathom.engine.cpu;

import java.util.HashMap;
import java.util.Map;

/**
 * What one lane needs to attend in tiles that fit its caches, one pair of a sequence and a head at a time: packed
 * operands, and scores of a block of keys by a block of queries.
 *
 * <p>Scores are kept transposed, a row for each key: what belongs to a query is then the same in every row. Operands
 * are packed with one column more than the head is wide: queries hold scale * q and a shift, keys k and 1, so that one
 * product gives scale q k' + shift; values v and 1, output gradients dy and a shift likewise. A product ends with the
 * exponential, and the diagonal's with a minimum before it that takes away the keys a query must not see; no tile lies
 * above the diagonal.
 */
final class AttentionTiles {
    /** Queries of a tile, whose size sets how much of the masked half is computed: half a square of it a block. */
    private static final int QUERIES = 64;
    /** Keys of a tile at most: scores and their gradients, 64 KiB each, stay in the second-level cache. */
    static final int KEYS = 256;

    /** Below every score that counts; its exponential is 0. */
    private static final float HIDDEN = -1e30f;

    private final AttentionShape shape;
    /** Floats of a packed row. */
    private final int stride;

    private final Floats queries;
    private final Floats keys;
    private final Floats values;
    private final Floats scores;
    private final Floats sums;
    private final Floats outputs;
    /** For the last rows of a tile, by its number of queries. */
    private final Map<Integer, Floats> masks = new HashMap<>();

    private final Map<TileShape, Primitive> exponentials = new HashMap<>();
    private final Binding binding;
    private final Primitives primitives;
    private final Tile[] tiles;

    /** Size of a tile, and whether it ends at the diagonal. */
    record TileShape(int keys, int queries, boolean diagonal) {}

    /** Tile of {@code shape} at its first key and first query. */
    record Tile(int key, int query, TileShape shape, Primitive exponentials) {}

    AttentionTiles(AttentionShape shape, Binding binding, Primitives primitives) {
        this.shape = shape;
        this.stride = shape.headWidth() + 1;
        this.binding = binding;
        this.primitives = primitives;
        this.queries = packed();
        this.keys = packed();
        this.values = packed();
        this.scores = tileRoom();
        this.sums = binding.scratch(QUERIES);
        this.outputs = binding.scratch(QUERIES * shape.headWidth());
        int n = shape.length();
        int count = 0;
        for (int query = 0; query < n; query += QUERIES) {
            count += (Math.min(n, query + QUERIES) + KEYS - 1) / KEYS;
        }
        this.tiles = new Tile[count];
        int at = 0;
        for (int query = 0; query < n; query += QUERIES) {
            int end = Math.min(n, query + QUERIES);
            for (int key = 0; key < end; key += KEYS) {
                TileShape size = new TileShape(Math.min(KEYS, end - key), end - query, key + KEYS >= end);
                tiles[at++] = new Tile(key, query, size, exponentials.computeIfAbsent(size, this::exponentialsOf));
            }
        }
    }

    /** Room for a packed operand. */
    Floats packed() {
        return binding.scratch(shape.length() * stride);
    }

    /** Room for the scores of a tile. */
    Floats tileRoom() {
        return binding.scratch(KEYS * QUERIES);
    }

    /** In the order of queries, then of keys. */
    Tile[] tiles() {
        return tiles;
    }

    AttentionShape shape() {
        return shape;
    }

    int stride() {
        return stride;
    }

    Floats keys() {
        return keys;
    }

    Floats queries() {
        return queries;
    }

    Floats values() {
        return values;
    }

    /** The exponentials of the tile in hand, a row for each key. */
    Floats scores() {
        return scores;
    }

    /** Sums of the exponentials over keys, one for each query of a block. */
    Floats sums() {
        return sums;
    }

    /** Outputs of a block of queries before they are divided by the sums. */
    Floats outputs() {
        return outputs;
    }

    private Primitive exponentialsOf(TileShape size) {
        Panel k = Panel.of(keys, 0, size.keys(), stride, stride);
        Panel q = Panel.of(queries, 0, size.queries(), stride, stride);
        Panel s = Panel.of(scores, 0, size.keys(), size.queries(), size.queries());
        if (!size.diagonal()) {
            return primitives.product(k, q.transposed(), s, null, new PostOp.Exponential());
        }
        Floats mask = masks.computeIfAbsent(size.queries(), this::mask);
        // Only the last rows of the mask hide anything.
        long first = (long) (KEYS - size.keys()) * size.queries();
        Panel visible = Panel.of(mask, first, size.keys(), size.queries(), size.queries());
        return primitives.product(k, q.transposed(), s, null, new PostOp.AtMost(visible), new PostOp.Exponential());
    }

    private Floats mask(int count) {
        Floats mask = binding.scratch(KEYS * count);
        for (int key = 0; key < KEYS; key++) {
            for (int query = 0; query < count; query++) {
                mask.put(key * count + query, key - (KEYS - count) <= query ? Float.MAX_VALUE : HIDDEN);
            }
        }
        return mask;
    }

    /** Packs queries, keys and values of {@code pair}; no shift. */
    void pack(Floats qkv, int pair, Lane lane) {
        long first = shape.queries(pair);
        pack(qkv, first, shape.stride(), queries, shape.scale(), 0f, lane);
        pack(qkv, first + shape.width(), shape.stride(), keys, 1f, 1f, lane);
        pack(qkv, first + 2L * shape.width(), shape.stride(), values, 1f, 1f, lane);
    }

    /** Packs one head of {@code from}: factor times its columns, then {@code last}. */
    void pack(Floats from, long first, int fromStride, Floats to, float factor, float last, Lane lane) {
        int d = shape.headWidth();
        int block = Lane.rowsOfBlock(stride);
        for (int row = 0; row < shape.length(); row += block) {
            int n = Math.min(block, shape.length() - row);
            for (int i = 0; i < n; i++) {
                from.get((int) (first + (long) (row + i) * fromStride), lane.a, i * stride, d);
            }
            if (factor != 1f) {
                Vectors.scale(lane.a, 0, n * stride, factor);
            }
            for (int i = 0; i < n; i++) {
                lane.a[i * stride + d] = last;
            }
            to.put(row * stride, lane.a, n * stride);
        }
    }

    /** Sets the shift of {@code query}. */
    void shift(Floats packed, int query, float by) {
        packed.put(query * stride + shape.headWidth(), by);
    }

    /** Leaves e^(scale q k' + shift) of {@code tile} in {@link #scores()}; 0 where the query must not see the key. */
    void exponentials(Tile tile) {
        Primitive primitive = tile.exponentials();
        primitive.aim(0, keys.at((long) tile.key() * stride));
        primitive.aim(1, queries.at((long) tile.query() * stride));
        primitive.run();
    }
}
