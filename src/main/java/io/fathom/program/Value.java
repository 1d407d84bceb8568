package io.fathom.program;

/**
 * One matrix that a program reads or writes; row-major, each written by exactly one instruction (gradients excepted).
 *
 * @param id index in {@link Program#values()}
 * @param name what it is, for people: {@code h.3.attn.qkv}, {@code d/h.3.attn.qkv} for its gradient
 * @param type element type
 * @param storage where it lives
 * @param rows rows; a scalar is 1 x 1
 * @param columns columns
 * @param offset for PARAMETER and GRADIENT the first element in the flat vector, else 0
 */
public record Value(int id, String name, Type type, Storage storage, int rows, int columns, int offset) {
    /** Element types. The width of REAL is the engine's choice. */
    public enum Type {
        REAL,
        INT
    }

    /** Where a value lives. */
    public enum Storage {
        /** A slice of the flat parameter vector. */
        PARAMETER,
        /** A slice of the flat gradient vector. Every instruction that writes one ADDS to it. */
        GRADIENT,
        /** Given with each batch: {@code tokens}, {@code targets}, both [B * S, 1]. */
        INPUT,
        /** Made and used up within one run; the memory plan gives its place. */
        ACTIVATION
    }

    /** Elements. */
    public int length() {
        return Math.multiplyExact(rows, columns);
    }
}
