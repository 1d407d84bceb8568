package io.fathom.program;

import io.fathom.model.ModelSpec;

/** Compiles models: spec to graph to program. */
public final class Programs {
    private Programs() {}

    /** The program of one training micro-batch of {@code sequences} sequences: forward, losses and gradient. */
    public static Program training(ModelSpec spec, int sequences) {
        throw new UnsupportedOperationException("in the making: " + spec + sequences);
    }

    /** The program that scores {@code sequences} sequences: logits, losses and routing traces. */
    public static Program inference(ModelSpec spec, int sequences) {
        throw new UnsupportedOperationException("in the making: " + spec + sequences);
    }
}
