package io.fathom.engine;

import io.fathom.program.Program;

/** A way to run programs on this machine. */
public interface Engine {
    /** The name used in configuration: {@code nd4j}, {@code cpu}, {@code cuda}. */
    String name();

    /** One line about what it runs on: backend, threads or device, versions. */
    String description();

    /** The same about one of its {@link #devices}. */
    default String description(int device) {
        return description();
    }

    /** GPUs of this machine that this process sees; 1 for an engine that uses none. */
    default int devices() {
        return 1;
    }

    /**
     * Prepares {@code program}: memory taken, kernels made. Throws {@link IllegalArgumentException} when the precision
     * is not one of this engine's and {@link EngineException} when the hardware cannot run it, with the remedy.
     */
    Session open(Program program, SessionOptions options);
}
