package io.fathom.checkpoint;

/** Vectors that are asked for or given piece by piece, so that none of them need ever be whole in one array. */
@FunctionalInterface
public interface VectorPieces {
    /**
     * One piece: to be put at the beginning of {@code values} when a file is written, found there when it is read.
     *
     * @param vector from 0
     * @param from its first element; a multiple of 65,536
     * @param length elements of the piece
     */
    void piece(int vector, int from, float[] values, int length);
}
