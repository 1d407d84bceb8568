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

    /** The same, which must be one that {@code engine} computes in; throws {@link UserError} naming those. */
    public static Precision named(String name, Engine engine) {
        Precision precision = named(name);
        if (!engine.precisions().contains(precision)) {
            throw new UserError("engine.precision = " + name + ": engine " + engine.name() + " computes in "
                    + engine.precisions().stream()
                            .sorted()
                            .map(Precision::spelled)
                            .collect(Collectors.joining(" or "))
                    + "; set that, or another engine.name");
        }
        return precision;
    }

    /** What configuration calls it. */
    public String spelled() {
        return name().toLowerCase(Locale.ROOT);
    }
}
