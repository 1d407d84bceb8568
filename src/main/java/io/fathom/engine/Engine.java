package io.fathom.engine;

import io.fathom.model.ModelSpec;
import io.fathom.program.Program;
import java.util.Optional;
import java.util.Set;

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

    /** The precisions it computes in. */
    default Set<Precision> precisions() {
        return Set.of(Precision.FLOAT32);
    }

    /**
     * Prepares {@code program}: memory taken, kernels made. Throws {@link IllegalArgumentException} when the precision
     * is not one of this engine's and {@link EngineException} when the hardware cannot run it, with the remedy.
     */
    Session open(Program program, SessionOptions options);

    /**
     * A reader of tokens with these weights, where this engine has one of its own: the thread and precision of
     * {@code options} as for a session. Empty where tokens are read by the processor whatever the engine.
     */
    default Optional<TokenReader> reader(ModelSpec spec, float[] parameters, SessionOptions options) {
        return Optional.empty();
    }

    /** Why it runs in place of one that would have been preferred, if so. */
    default Optional<String> inPlace() {
        return Optional.empty();
    }
}
