package io.fathom.program;

import io.fathom.model.ModelSpec;
import java.util.Objects;

/** Compiles models: spec to graph to program. */
public final class Programs {
    private Programs() {}

    /** The program of one training micro-batch of {@code sequences} sequences: forward, losses and gradient. */
    public static Program training(ModelSpec spec, int sequences) {
        Forward pass = DirectForward.of(spec, sequences, true);
        Differentiation.append(pass, Objects.requireNonNull(pass.outputs.get("total")));
        return finish(pass, true);
    }

    /** The program that scores {@code sequences} sequences: logits, losses and routing traces. */
    public static Program inference(ModelSpec spec, int sequences) {
        return finish(DirectForward.of(spec, sequences, false), false);
    }

    private static Program finish(Forward pass, boolean training) {
        return new Program(
                pass.spec,
                pass.sequences,
                training,
                pass.layout,
                pass.values,
                pass.instructions,
                pass.outputs,
                MemoryPlanner.plan(pass.instructions, pass.outputs.values()));
    }
}
