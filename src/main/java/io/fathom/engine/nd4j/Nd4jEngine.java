package io.fathom.engine.nd4j;

import io.fathom.engine.Engine;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.program.Program;
import java.util.Set;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** The engine {@code nd4j}. */
public final class Nd4jEngine implements Engine {
    @Override
    public String name() {
        return "nd4j";
    }

    @Override
    public String description() {
        return description(0);
    }

    @Override
    public String description(int device) {
        Backend backend = Backend.chosen();
        backend.require(device);
        return backend.description(device);
    }

    @Override
    public int devices() {
        return Math.max(1, Backend.chosen().gpus().size());
    }

    @Override
    public Set<Precision> precisions() {
        return Set.of(Precision.FLOAT32, Precision.FLOAT64);
    }

    @Override
    public Session open(Program program, SessionOptions options) {
        DataType type = switch (options.precision()) {
            case FLOAT32 -> DataType.FLOAT;
            case FLOAT64 -> DataType.DOUBLE;
            case TF32, BF16 ->
                throw new IllegalArgumentException("engine nd4j computes in " + Precision.FLOAT32 + " or "
                        + Precision.FLOAT64 + ", not in " + options.precision() + "; choose engine cuda for that");
        };
        Backend backend = Backend.chosen();
        backend.require(options.device());
        backend.use(options.device());
        // Two thread pools spinning against each other cost up to fifteen times the work.
        Nd4j.getEnvironment().setMaxThreads(options.threads());
        Nd4j.getEnvironment().setMaxMasterThreads(options.threads());
        return new Nd4jSession(program, type, () -> backend.use(options.device()));
    }
}
