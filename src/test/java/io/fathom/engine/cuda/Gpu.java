package io.fathom.engine.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Optional;

/** Whether this machine can run device tests. */
final class Gpu {
    private static final Optional<String> UNAVAILABLE = CudaEngine.unavailable();

    private Gpu() {}

    /** Skips the test, saying why, where there is no GPU. */
    static void orSkip() {
        assumeTrue(UNAVAILABLE.isEmpty(), () -> "skipped: " + UNAVAILABLE.orElse(""));
    }
}
