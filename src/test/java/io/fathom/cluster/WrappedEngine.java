package io.fathom.cluster;

import io.fathom.engine.Engine;
import io.fathom.engine.Engines;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.program.Program;
import java.io.Serializable;

/** The cpu engine, whose sessions a test wraps. */
record WrappedEngine(Wrapping wrapping) implements Engine {

    /** What a test makes of a session. */
    interface Wrapping extends Serializable {
        Session wrap(Session sound, SessionOptions options);
    }

    /** Where tasks find a wrapped engine. */
    static EngineSource source(Wrapping wrapping) {
        return () -> new WrappedEngine(wrapping);
    }

    @Override
    public String name() {
        return "wrapped";
    }

    @Override
    public String description() {
        return "the cpu engine in the hands of a test";
    }

    @Override
    public Session open(Program program, SessionOptions options) {
        return wrapping.wrap(Engines.named("cpu").open(program, options), options);
    }
}
