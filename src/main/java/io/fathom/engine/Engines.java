package io.fathom.engine;

import io.fathom.config.UserError;

/** The engines of this build by name. */
public final class Engines {
    private Engines() {}

    /**
     * The engine {@code name}: {@code auto}, {@code cuda}, {@code cpu} or {@code nd4j}; throws {@link UserError} for
     * another name.
     */
    public static Engine named(String name) {
        throw new UserError("engine.name = " + name + ": must be one of auto, cuda, cpu, nd4j");
    }
}
