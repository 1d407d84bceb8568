package io.fathom.engine.cpu;

/** What a step multiplies the former content of its result by, as in BLAS: 0 to set it, 1 to add to it. */
interface Beta {
    Beta ZERO = () -> 0f;
    Beta ONE = () -> 1f;

    /** 0 or 1, in the run under way. */
    float now();

    default boolean sets() {
        return now() == 0f;
    }
}
