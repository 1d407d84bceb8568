package io.fathom.engine.cpu;

import io.fathom.engine.Engine;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.program.Program;

/** Runs programs on the processor in single precision. */
public final class CpuEngine implements Engine {
    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public String description() {
        return "cpu: " + Blas.description() + ", every product on the one thread that asks for it; "
                + Runtime.getRuntime().availableProcessors() + " processors";
    }

    @Override
    public Session open(Program program, SessionOptions options) {
        if (options.precision() != Precision.FLOAT32) {
            throw new IllegalArgumentException("engine cpu computes in FLOAT32, not in " + options.precision()
                    + ": set engine.precision = float32, or use engine nd4j for FLOAT64");
        }
        return new CpuSession(program, options.threads());
    }
}
