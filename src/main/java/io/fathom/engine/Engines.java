package io.fathom.engine;

import io.fathom.config.UserError;
import io.fathom.engine.cpu.CpuEngine;
import io.fathom.engine.cuda.CudaEngine;
import io.fathom.engine.nd4j.Nd4jEngine;
import io.fathom.program.Program;
import java.util.Optional;
import java.util.Set;

/** The engines of this build by name. */
public final class Engines {
    private Engines() {}

    /**
     * The engine {@code name}: {@code cuda}, {@code cpu}, {@code nd4j}, or {@code auto} for cuda where this machine can
     * run it and cpu elsewhere; throws {@link UserError} for another name.
     */
    public static Engine named(String name) {
        return switch (name) {
            case "auto" -> auto(CudaEngine.unavailable());
            case "cuda" -> new CudaEngine();
            case "cpu" -> new CpuEngine();
            case "nd4j" -> new Nd4jEngine();
            default -> throw new UserError("engine.name = " + name + ": must be one of auto, cuda, cpu, nd4j");
        };
    }

    /** What {@code auto} takes where {@code missing} is why cuda cannot run, if it cannot. */
    static Engine auto(Optional<String> missing) {
        return missing.isEmpty() ? new CudaEngine() : new InPlaceOfCuda(new CpuEngine(), missing.get());
    }

    /** An engine that says why it runs and cuda does not. */
    private record InPlaceOfCuda(Engine engine, String missing) implements Engine {
        @Override
        public String name() {
            return engine.name();
        }

        @Override
        public String description() {
            return engine.description() + "; not cuda: " + missing;
        }

        @Override
        public Optional<String> inPlace() {
            return Optional.of("not cuda: " + missing);
        }

        @Override
        public Set<Precision> precisions() {
            return engine.precisions();
        }

        @Override
        public Session open(Program program, SessionOptions options) {
            return engine.open(program, options);
        }
    }
}
