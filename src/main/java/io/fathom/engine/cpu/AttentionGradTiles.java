package io.fathom.engine.cpu;

import io.fathom.engine.cpu.AttentionTiles.Tile;
import java.util.HashMap;
import java.util.Map;

/** What one lane needs for the gradient of attention beside {@link AttentionTiles}. */
final class AttentionGradTiles {
    private final AttentionTiles tiles;
    private final Floats dOutputs;
    private final Floats dScores;
    private final Floats dQueries;
    private final Floats dKeys;
    private final Floats dValues;
    /** The kernels of dS, by the index of the tile. */
    private final Primitive[] scoreGradients;

    private final Primitive packingOutputs;
    private final Primitive packingGradients;
    private final Primitive unpacking;

    AttentionGradTiles(AttentionTiles tiles, Binding binding, Primitives primitives) {
        AttentionShape shape = tiles.shape();
        int n = shape.length();
        int d = shape.headWidth();
        this.tiles = tiles;
        this.dOutputs = binding.scratch(n * tiles.stride());
        this.dScores = binding.scratch(AttentionTiles.KEYS * AttentionTiles.QUERIES);
        Floats gradients = binding.scratch(3 * n * d);
        this.dQueries = gradients.part(0, n * d);
        this.dKeys = gradients.part(n * d, n * d);
        this.dValues = gradients.part(2 * n * d, n * d);
        this.packingOutputs =
                primitives.copy(tiles.outputHead(0), new Planes(tiles.outputs().at(0), 1, n, d, 0, d));
        this.packingGradients =
                primitives.copy(tiles.outputHead(0), new Planes(dOutputs.at(0), 1, n, d, 0, tiles.stride()));
        this.unpacking = primitives.copy(new Planes(gradients.at(0), 3, n, d, (long) n * d, d), tiles.heads(0));
        this.scoreGradients = new Primitive[tiles.tiles().length];
        Map<Integer, Primitive> made = new HashMap<>();
        for (Tile tile : tiles.tiles()) {
            int size = tile.keys() * (AttentionTiles.QUERIES + 1) + tile.queries();
            scoreGradients[tile.index()] =
                    made.computeIfAbsent(size, s -> scoreGradients(tile.keys(), tile.queries(), primitives));
        }
    }

    private Primitive scoreGradients(int keys, int queries, Primitives primitives) {
        int stride = tiles.stride();
        return primitives.product(
                Panel.of(tiles.values(), 0, keys, stride, stride),
                Panel.of(dOutputs, 0, queries, stride, stride).transposed(),
                Panel.of(dScores, 0, keys, queries, queries),
                null,
                new PostOp.Multiply(Panel.of(tiles.scores(), 0, keys, queries, queries)),
                new PostOp.Scale(tiles.shape().scale()));
    }

    AttentionTiles tiles() {
        return tiles;
    }

    /** Packed like keys: dy, and the shift of each query. */
    Floats dOutputs() {
        return dOutputs;
    }

    /** Gradients of the scores of the tile in hand. */
    Floats dScores() {
        return dScores;
    }

    /** Rows as wide as the head, as those of the next two. */
    Floats dQueries() {
        return dQueries;
    }

    Floats dKeys() {
        return dKeys;
    }

    Floats dValues() {
        return dValues;
    }

    /** Packs the outputs of {@code pair} and their gradients. */
    void pack(Floats y, Floats dy, int pair) {
        long head = tiles.shape().output(pair);
        packingOutputs.aim(0, y.at(head));
        packingOutputs.run();
        packingGradients.aim(0, dy.at(head));
        packingGradients.run();
    }

    /** Writes the gradients of {@code pair} to their places in dqkv. */
    void unpack(Floats dqkv, int pair) {
        unpacking.aim(1, dqkv.at(tiles.shape().queries(pair)));
        unpacking.run();
    }

    /** Leaves scale P (v dy' + shift) of {@code tile} in {@link #dScores()}, where P is in the scores of the tiles. */
    void scoreGradients(Tile tile) {
        Primitive primitive = scoreGradients[tile.index()];
        primitive.aim(0, tiles.values().at((long) tile.key() * tiles.stride()));
        primitive.aim(1, dOutputs.at((long) tile.query() * tiles.stride()));
        primitive.run();
    }
}
