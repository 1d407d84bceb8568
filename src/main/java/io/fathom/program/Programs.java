package io.fathom.program;

import io.fathom.graph.ModelGraph;
import io.fathom.model.ModelSpec;
import java.util.Objects;
import org.nd4j.autodiff.samediff.SameDiff;

/** Compiles models: spec to graph to program. */
public final class Programs {
    private Programs() {}

    /** The program of one training micro-batch of {@code sequences} sequences: forward, losses and gradient. */
    public static Program training(ModelSpec spec, int sequences) {
        return training(ModelGraph.definition(spec, sequences), spec, sequences);
    }

    /** The program that scores {@code sequences} sequences: logits, losses and routing traces. */
    public static Program inference(ModelSpec spec, int sequences) {
        return inference(ModelGraph.definition(spec, sequences), spec, sequences);
    }

    /** The training program of {@code graph}, a graph of {@code spec} that was built here or loaded from a file. */
    public static Program training(SameDiff graph, ModelSpec spec, int sequences) {
        Forward pass = GraphReader.read(graph, spec, sequences, true);
        Differentiation.append(pass, Objects.requireNonNull(pass.outputs.get("total")));
        return finish(pass, true);
    }

    /** The scoring program of {@code graph}, a graph of {@code spec} that was built here or loaded from a file. */
    public static Program inference(SameDiff graph, ModelSpec spec, int sequences) {
        return finish(GraphReader.read(graph, spec, sequences, false), false);
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
