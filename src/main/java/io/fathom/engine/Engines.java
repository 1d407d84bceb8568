package io.fathom.engine;

import io.fathom.config.UserError;
import io.fathom.engine.cpu.CpuEngine;
import io.fathom.engine.cuda.CudaEngine;
import io.fathom.engine.nd4j.Nd4jEngine;

/** The engines of this build by name. */
public final class Engines {
    private Engines() {}

    /**
     * The engine {@code name}: {@code cuda}, {@code cpu}, {@code nd4j}, or {@code auto} for cuda where this machine can
     * run it and cpu elsewhere; throws {@link UserError} for another name.
     */
    public static Engine named(String name) {
        return switch (name) {
            case "auto" -> CudaEngine.unavailable().isEmpty() ? new CudaEngine() : new CpuEngine();
            case "cuda" -> new CudaEngine();
            case "cpu" -> new CpuEngine();
            case "nd4j" -> new Nd4jEngine();
            default -> throw new UserError("engine.name = " + name + ": must be one of auto, cuda, cpu, nd4j");
        };
    }
}
