package io.fathom.graph;

import io.fathom.config.UserError;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** {@code model.fb}: a model with its weights as one SameDiff file, which any DL4J program loads and runs. */
public final class ModelFile {
    /**
     * The FlatBuffers builder doubles its buffer and stops at 2 GiB, so that a file of more than 1 GiB cannot be made.
     */
    static final long LARGEST = 1L << 30;

    private ModelFile() {}

    /** Whether a model is small enough for this format; larger ones travel as safetensors. */
    public static boolean holds(ModelSpec spec) {
        return 4 * ParameterLayout.of(spec).parameterCount() + masks(spec) < LARGEST;
    }

    private static long masks(ModelSpec spec) {
        return 4L * spec.context() * spec.context();
    }

    /**
     * Writes the graph over one sequence and its weights to {@code file}, whole or not at all. Inputs are
     * {@code tokens} and {@code targets} (INT32 [1, S]; the targets do not matter for {@code logits} [S, V]). Throws
     * {@link UserError} above the 1 GiB that SameDiff's format can hold.
     */
    public static void write(ModelSpec spec, float[] parameters, Path file) throws IOException {
        if (!holds(spec)) {
            throw new UserError(
                    file + ": a model of " + ParameterLayout.of(spec).parameterCount()
                            + " parameters is more than the 1 GiB that SameDiff's file format holds; use the safetensors export");
        }
        Path partial = file.resolveSibling(file.getFileName() + ".partial");
        try {
            ModelGraph.withParameters(spec, 1, parameters).save(partial.toFile(), false);
            Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(partial);
        }
    }
}
