package io.fathom.engine.cpu;

import io.fathom.program.Value;
import java.util.Arrays;

/**
 * The places of one attention: qkv rows of 3D floats, a sequence of {@code length} rows after another, a head after
 * another in each third of a row.
 */
record AttentionShape(int sequences, int length, int heads, int width) {
    /**
     * Queries of one block. Scores are made for a block and the keys up to its last query alone, so all but half a
     * block of the masked half is never touched; smaller blocks waste less, larger ones make better matrix products.
     */
    static final int QUERIES = 64;

    static AttentionShape of(Value qkv, int sequences, int heads) {
        return new AttentionShape(sequences, qkv.rows() / sequences, heads, qkv.columns() / 3);
    }

    int headWidth() {
        return width / heads;
    }

    /** Floats between two rows of qkv. */
    int stride() {
        return 3 * width;
    }

    /** Pairs of a sequence and a head: what lanes share. */
    int pairs() {
        return sequences * heads;
    }

    /** First element of the queries of {@code pair} in qkv; keys lie {@code width} further on, values twice that. */
    long queries(int pair) {
        return (long) (pair / heads) * length * stride() + (long) (pair % heads) * headWidth();
    }

    /** First element of {@code pair} in y. */
    long output(int pair) {
        return (long) (pair / heads) * length * width + (long) (pair % heads) * headWidth();
    }

    float scale() {
        return (float) (1 / Math.sqrt(headWidth()));
    }

    /** Floats of one block's scores at most. */
    int scores() {
        return Math.min(QUERIES, length) * length;
    }

    /** Where in a lane's scratch the gradient keeps its sums: after two blocks of scores, or a block of rows of y. */
    int sums() {
        return Math.max(2 * scores(), Lane.rowsOfBlock(width) * width);
    }

    /** Floats of a lane's scratch that the gradient needs. */
    int scratch() {
        return sums() + length * heads;
    }

    /**
     * Sets to {@code value} what {@code queries} queries must not see in {@code rows} rows of keys from {@code key} on.
     */
    static void hide(float[] scores, int key, int rows, int query, int queries, float value) {
        for (int row = Math.max(0, query + 1 - key); row < rows; row++) {
            Arrays.fill(scores, row * queries, row * queries + key + row - query, value);
        }
    }
}
