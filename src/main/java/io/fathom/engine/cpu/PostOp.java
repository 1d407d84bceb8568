package io.fathom.engine.cpu;

/** What a product does to its result, entry by entry, before it is written. */
sealed interface PostOp {
    /** Adds what the result's place holds. */
    record Accumulate() implements PostOp {}

    /** e to the entry. */
    record Exponential() implements PostOp {}

    /** Multiplies by {@code factor}. */
    record Scale(float factor) implements PostOp {}

    /** Adds the entry of {@code other}. */
    record Add(Panel other) implements PostOp {}

    /** Multiplies by the entry of {@code other}. */
    record Multiply(Panel other) implements PostOp {}

    /** The smaller of itself and the entry of {@code other}. */
    record AtMost(Panel other) implements PostOp {}
}
