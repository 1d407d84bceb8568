package io.fathom.engine.cpu;

/** What a product does to its result, entry by entry, before it is written. */
sealed interface PostOp {
    /** Adds what the result's place holds. */
    record Accumulate() implements PostOp {}

    /** Adds the entry of {@code other}. */
    record Add(Panel other) implements PostOp {}
}
