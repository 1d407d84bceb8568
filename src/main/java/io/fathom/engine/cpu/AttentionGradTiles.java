package io.fathom.engine.cpu;

import io.fathom.engine.cpu.AttentionTiles.Tile;
import java.util.HashMap;
import java.util.Map;

/** What one lane needs for the gradient of attention beside {@link AttentionTiles}. */
final class AttentionGradTiles {
    private final AttentionTiles tiles;
    private final PackedHeads dOutputs;
    private final PackedHeads dQueries;
    private final PackedHeads dKeys;
    private final PackedHeads dValues;
    private final Floats dScores;
    /** The kernels of dS, by the index of the tile. */
    private final Primitive[] scoreGradients;

    AttentionGradTiles(AttentionTiles tiles, Binding binding, Primitives primitives) {
        AttentionShape shape = tiles.shape();
        int d = shape.headWidth();
        int room = PackedHeads.room(shape, d);
        this.tiles = tiles;
        this.dOutputs =
                new PackedHeads(shape, tiles.stride(), binding.scratch(PackedHeads.room(shape, tiles.stride())));
        this.dQueries = new PackedHeads(shape, d, binding.scratch(room));
        this.dKeys = new PackedHeads(shape, d, binding.scratch(room));
        this.dValues = new PackedHeads(shape, d, binding.scratch(room));
        this.dScores = binding.scratch(AttentionTiles.KEYS * AttentionTiles.QUERIES);
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
                new Panel(tiles.values().at(0, 0), keys, stride, stride, 1),
                new Panel(dOutputs.at(0, 0), queries, stride, stride, 1).transposed(),
                Panel.of(dScores, 0, keys, queries, queries),
                null,
                new PostOp.Multiply(Panel.of(tiles.scores(), 0, keys, queries, queries)),
                new PostOp.Scale(tiles.shape().scale()));
    }

    AttentionTiles tiles() {
        return tiles;
    }

    /** dy, and the shift of each query. */
    PackedHeads dOutputs() {
        return dOutputs;
    }

    PackedHeads dQueries() {
        return dQueries;
    }

    PackedHeads dKeys() {
        return dKeys;
    }

    PackedHeads dValues() {
        return dValues;
    }

    /** Gradients of the scores of the tile in hand. */
    Floats dScores() {
        return dScores;
    }

    /** Writes the gradients of heads [{@code first}, {@code end}) of {@code sequence} to their places in dqkv. */
    void unpack(Floats dqkv, int sequence, int first, int end, Lane lane) {
        AttentionShape shape = tiles.shape();
        long origin = shape.queries(sequence * shape.heads());
        dQueries.unpack(dqkv, origin, shape.stride(), first, end, lane);
        dKeys.unpack(dqkv, origin + shape.width(), shape.stride(), first, end, lane);
        dValues.unpack(dqkv, origin + 2L * shape.width(), shape.stride(), first, end, lane);
    }

    /** Leaves scale P (v dy' + shift) of {@code tile} in {@link #dScores()}, where P is in the scores of the tiles. */
    void scoreGradients(int head, Tile tile) {
        Primitive primitive = scoreGradients[tile.index()];
        primitive.aim(0, tiles.values().at(head, tile.key()));
        primitive.aim(1, dOutputs.at(head, tile.query()));
        primitive.run();
    }
}
