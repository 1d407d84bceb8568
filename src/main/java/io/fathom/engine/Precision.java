package io.fathom.engine;

import io.fathom.config.UserError;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** The numbers an engine computes with; parameters and optimizer state are never narrower than 32 bits. */
public enum Precision {
    /** IEEE double: for verification. */
    FLOAT64,
    /** IEEE single. */
    FLOAT32,
    /** Matrix products with 10-bit mantissas, the rest single; CUDA alone. */
    TF32,
    /**
     * Activations and matrix products in bfloat16; master weights, router, softmax, norms and loss single; CUDA alone.
     */
    BF16;

    /** The precision that configuration calls {@code name}; throws {@link UserError} naming all there are. */
    public static Precision named(String name) {
        return Arrays.stream(values())
                .filter(each -> each.spelled().equals(name))
                .findFirst()
                .orElseThrow(() -> new UserError("engine.precision = " + name + ": must be one of "
                        + Arrays.stream(values()).map(Precision::spelled).collect(Collectors.joining(", "))));
    }

    /** What configuration calls it. */
    public String spelled() {
        return name().toLowerCase(Locale.ROOT);
    }
}
