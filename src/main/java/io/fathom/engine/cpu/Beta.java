package io.fathom.engine.cpu;

import java.util.Arrays;

/** What a step multiplies the former content of its result by, as in BLAS: 0 to set it, 1 to add to it. */
interface Beta {
    Beta ZERO = () -> 0f;
    Beta ONE = () -> 1f;

    /** 0 or 1, in the run under way. */
    float now();

    default boolean sets() {
        return now() == 0f;
    }

    /**
     * What the {@code n} floats of {@code result} from {@code from} on give to a sum over them, to the front of
     * {@code sum}.
     */
    default void begin(Floats result, int from, float[] sum, int n) {
        if (sets()) {
            Arrays.fill(sum, 0, n, 0f);
        } else {
            result.get(from, sum, n);
        }
    }
}
