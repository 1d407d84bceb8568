package io.fathom.engine.cpu;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * What one lane needs to attend in tiles that fit its caches, one pair of a sequence and a head at a time: packed
 * operands, and scores of a block of keys by a block of queries.
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

    private final Floats queries;
    private final Floats keys;
    private final Floats values;
    private final Floats outputs;
    private final Floats scores;
    private final Floats sums;
    private final Primitive packing;
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
        int n = shape.length();
        this.shape = shape;
        this.stride = shape.headWidth() + 1;
        Floats packed = binding.scratch(3 * n * stride);
        this.queries = packed.part(0, n * stride);
        this.keys = packed.part(n * stride, n * stride);
        this.values = packed.part(2 * n * stride, n * stride);
        for (int row = 0; row < n; row++) {
            shift(keys, row, 1f);
            shift(values, row, 1f);
        }
        this.packing =
                primitives.copy(heads(0), new Planes(packed.at(0), 3, n, shape.headWidth(), (long) n * stride, stride));
        this.outputs = binding.scratch(n * shape.headWidth());
        this.scores = binding.scratch(KEYS * QUERIES);
        this.sums = binding.scratch(QUERIES);
        this.tiles = new Tiling(binding, primitives).tiles();
    }

    /** The heads of queries, keys and values, the first at {@code address}. */
    Planes heads(long address) {
        return new Planes(address, 3, shape.length(), shape.headWidth(), shape.width(), shape.stride());
    }

    /** One head of the output, at {@code address}. */
    Planes outputHead(long address) {
        return new Planes(address, 1, shape.length(), shape.headWidth(), 0, shape.width());
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

    Floats queries() {
        return queries;
    }

    Floats keys() {
        return keys;
    }

    Floats values() {
        return values;
    }

    /** The outputs of the pair in hand, rows as wide as the head. */
    Floats outputs() {
        return outputs;
    }

    /** The exponentials of the tile in hand, a row for each key. */
    Floats scores() {
        return scores;
    }

    /** Their sums over keys, one for each query of the block in hand. */
    Floats sums() {
        return sums;
    }

    /** Packs queries, keys and values of {@code pair}; shifts stay what they were. */
    void pack(Floats qkv, int pair) {
        packing.aim(0, qkv.at(shape.queries(pair)));
        packing.run();
    }

    /** Sets the shift in {@code row} of a packed operand. */
    void shift(Floats packed, int row, float by) {
        packed.put(row * stride + shape.headWidth(), by);
    }

    float shift(Floats packed, int row) {
        return packed.get(row * stride + shape.headWidth());
    }

    /** Leaves e^(scale (q k' + shift)) of {@code tile} in {@link #scores()}; 0 where the query must not see the key. */
    void exponentials(Tile tile) {
        Primitive primitive = tile.exponentials();
        primitive.aim(0, keys.at((long) tile.key() * stride));
        primitive.aim(1, queries.at((long) tile.query() * stride));
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
            Panel k = Panel.of(keys, 0, size.keys, stride, stride);
            Panel q = Panel.of(queries, 0, size.queries, stride, stride).transposed();
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
