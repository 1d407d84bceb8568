package io.fathom.decode;

import io.fathom.engine.Engine;
import io.fathom.engine.SessionOptions;
import io.fathom.engine.TokenReader;
import io.fathom.model.ModelSpec;

/** Chooses what reads tokens. */
public final class Readers {
    private Readers() {}

    /** A reader on {@code engine} where that has one, else on the processor. */
    public static TokenReader on(Engine engine, ModelSpec spec, float[] parameters, SessionOptions options) {
        return engine.reader(spec, parameters, options).orElseGet(() -> new ProcessorReader(spec, parameters));
    }
}
