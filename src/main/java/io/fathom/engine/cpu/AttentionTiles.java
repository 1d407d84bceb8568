package io.fathom.engine.cpu;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * What one lane needs to attend in tiles that fit its caches: packed operands, and scores of a block of keys by a block
 * of queries of one head.
 *
 * <p>Scores are kept transposed, a row for each key. Operands are packed with one column more than the head is wide:
 * queries hold q and a shift, keys k and 1, so that one product gives q k' + shift; output gradients hold dy and a
 * shift, values v and 1 likewise. The product of scores ends with the scale and the exponential, and at the diagonal
 * with a minimum between them that takes away the keys a query must not see; no tile lies above the diagonal.
 */
final class AttentionTiles {
    /** Queries of a tile, whose number sets how much of the masked half is computed: half a square of it a block. */
    static final int QUERIES = 64;
    /** Keys of a tile at most: scores and their gradients, 64 KiB each, stay in the second-level cache. */
    static final int KEYS = 256;

    /** Below every score that counts; its exponential is 0. */
    private static final float HIDDEN = -1e30f;

    private final AttentionShape shape;
    /** Floats of a packed row. */
    private final int stride;

    private final PackedHeads queries;
    private final PackedHeads keys;
    private final PackedHeads values;
    private final Floats scores;
    private final Floats sums;
    private final Tile[] tiles;

    /**
     * Scores of some keys and some queries.
     *
     * @param index its place among the tiles
     * @param key the first key
     * @param query the first query
     * @param last whether it ends at the diagonal, with the last keys that these queries see
     * @param exponentials the kernel that makes them
     */
    record Tile(int index, int key, int keys, int query, int queries, boolean last, Primitive exponentials) {}

    /** What kernels depend on. */
    private record Size(int keys, int queries, boolean last) {}

    AttentionTiles(AttentionShape shape, Binding binding, Primitives primitives) {
        this.shape = shape;
        this.stride = shape.headWidth() + 1;
        int room = PackedHeads.room(shape, stride);
        this.queries = new PackedHeads(shape, stride, binding.scratch(room));
        this.keys = new PackedHeads(shape, stride, binding.scratch(room));
        this.values = new PackedHeads(shape, stride, binding.scratch(room));
        this.scores = binding.scratch(KEYS * QUERIES);
        this.sums = binding.scratch(QUERIES);
        this.tiles = new Tiling(binding, primitives).tiles();
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

    PackedHeads queries() {
        return queries;
    }

    PackedHeads keys() {
        return keys;
    }

    PackedHeads values() {
        return values;
    }

    /** The exponentials of the tile in hand, a row for each key. */
    Floats scores() {
        return scores;
    }

    /** Their sums over keys, one for each query of the block in hand. */
    Floats sums() {
        return sums;
    }

    /** Packs heads [{@code first}, {@code end}) of {@code sequence}, with shifts of 0. */
    void pack(Floats qkv, int sequence, int first, int end, Lane lane) {
        long origin = shape.queries(sequence * shape.heads());
        queries.pack(qkv, origin, shape.stride(), first, end, 0f, lane);
        keys.pack(qkv, origin + shape.width(), shape.stride(), first, end, 1f, lane);
        values.pack(qkv, origin + 2L * shape.width(), shape.stride(), first, end, 1f, lane);
    }

    /** Leaves e^(scale (q k' + shift)) of {@code tile} in {@link #scores()}; 0 where the query must not see the key. */
    void exponentials(int head, Tile tile) {
        Primitive primitive = tile.exponentials();
        primitive.aim(0, keys.at(head, tile.key()));
        primitive.aim(1, queries.at(head, tile.query()));
        primitive.run();
    }

    /** Cuts the triangle into tiles and makes their kernels, one for each size. */
    private final class Tiling {
        private final Binding binding;
        private final Primitives primitives;
        private final Map<Size, Primitive> kernels = new HashMap<>();
        /** For the last keys of a block, by its number of queries. */
        private final Map<Integer, Floats> masks = new HashMap<>();

        Tiling(Binding binding, Primitives primitives) {
            this.binding = binding;
            this.primitives = primitives;
        }

        Tile[] tiles() {
            Tile[] made = new Tile[(shape.length() / QUERIES + 1) * (shape.length() / KEYS + 1)];
            int count = 0;
            for (int query = 0; query < shape.length(); query += QUERIES) {
                int end = Math.min(shape.length(), query + QUERIES);
                for (int key = 0; key < end; key += KEYS) {
                    Size size = new Size(Math.min(KEYS, end - key), end - query, key + KEYS >= end);
                    Primitive kernel = kernels.computeIfAbsent(size, this::exponentials);
                    made[count] = new Tile(count, key, size.keys, query, size.queries, size.last, kernel);
                    count++;
                }
            }
            return Arrays.copyOf(made, count);
        }

        private Primitive exponentials(Size size) {
            Panel k = new Panel(keys.at(0, 0), size.keys, stride, stride, 1);
            Panel q = new Panel(queries.at(0, 0), size.queries, stride, stride, 1).transposed();
            Panel s = Panel.of(scores, 0, size.keys, size.queries, size.queries);
            PostOp scale = new PostOp.Scale(shape.scale());
            PostOp exponential = new PostOp.Exponential();
            if (!size.last) {
                return primitives.product(k, q, s, null, scale, exponential);
            }
            Floats mask = masks.computeIfAbsent(size.queries, this::mask);
            // Only its last rows hide anything.
            long first = (long) (KEYS - size.keys) * size.queries;
            Panel visible = Panel.of(mask, first, size.keys, size.queries, size.queries);
            return primitives.product(k, q, s, null, scale, new PostOp.AtMost(visible), exponential);
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
    }
}
