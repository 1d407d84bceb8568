package io.fathom.engine;

import io.fathom.program.Program;

/** A way to run programs on this machine. */
public interface Engine {
    /** The name used in configuration: {@code nd4j}, {@code cpu}, {@code cuda}. */
    String name();

    /** One line about what it runs on: backend, threads or device, versions. */
    String description();

    /**
     * Prepares {@code program}: memory taken, kernels made. Throws {@link IllegalArgumentException} when the precision
     * is not one of this engine's and {@link EngineException} when the hardware cannot run it, with the remedy.
     */
    Session open(Program program, SessionOptions options);
}
