package io.fathom.engine;

import io.fathom.config.UserError;
import io.fathom.engine.cpu.CpuEngine;
import io.fathom.engine.nd4j.Nd4jEngine;

/** The engines of this build by name. */
public final class Engines {
    private Engines() {}

    /**
     * The engine {@code name}: {@code auto}, {@code cuda}, {@code cpu} or {@code nd4j}; throws {@link UserError} for
     * another name.
     */
    public static Engine named(String name) {
        return switch (name) {
            case "auto", "cpu" -> new CpuEngine();
            case "nd4j" -> new Nd4jEngine();
            default -> throw new UserError("engine.name = " + name + ": must be one of auto, cpu, nd4j");
        };
    }
}
