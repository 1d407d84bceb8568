package io.fathom.engine.cpu;

import io.fathom.engine.cpu.AttentionTiles.Tile;
import io.fathom.engine.cpu.AttentionTiles.TileShape;
import java.util.HashMap;
import java.util.Map;

/** What one lane needs for the gradient of attention beside {@link AttentionTiles}: packed gradients. */
final class AttentionGradTiles {
    private final AttentionTiles tiles;
    private final Floats dOutputs;
    private final Floats dScores;
    private final Floats dQueries;
    private final Floats dKeys;
    private final Floats dValues;
    private final Map<TileShape, Primitive> scoreGradients = new HashMap<>();

    AttentionGradTiles(AttentionTiles tiles, Primitives primitives) {
        this.tiles = tiles;
        this.dOutputs = tiles.packed();
        this.dScores = tiles.tileRoom();
        this.dQueries = tiles.packed();
        this.dKeys = tiles.packed();
        this.dValues = tiles.packed();
        int stride = tiles.stride();
        for (Tile tile : tiles.tiles()) {
            int keys = tile.shape().keys();
            int queries = tile.shape().queries();
            scoreGradients.computeIfAbsent(
                    tile.shape(),
                    size -> primitives.product(
                            Panel.of(tiles.values(), 0, keys, stride, stride),
                            Panel.of(dOutputs, 0, queries, stride, stride).transposed(),
                            Panel.of(dScores, 0, keys, queries, queries),
                            null,
                            new PostOp.Multiply(Panel.of(tiles.scores(), 0, keys, queries, queries))));
        }
    }

    AttentionTiles tiles() {
        return tiles;
    }

    /** Packed like keys: dy, and the shift of each query. */
    Floats dOutputs() {
        return dOutputs;
    }

    /** Gradients of the scores of the tile in hand, divided by the scale. */
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

    /** Leaves P (v dy' + shift) of {@code tile} in {@link #dScores()}, where P is in the scores of the tiles. */
    void scoreGradients(Tile tile) {
        Primitive primitive = scoreGradients.get(tile.shape());
        if (primitive == null) {
            throw new IllegalStateException("no kernel for " + tile.shape());
        }
        primitive.aim(0, tiles.values().at((long) tile.key() * tiles.stride()));
        primitive.aim(1, dOutputs.at((long) tile.query() * tiles.stride()));
        primitive.run();
    }
}
