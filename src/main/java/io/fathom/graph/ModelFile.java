package io.fathom.graph;

import io.fathom.model.ModelSpec;
import java.io.IOException;
import java.nio.file.Path;

/** A trained model as a plain SameDiff file, {@code model.fb}, which any DL4J program loads without our classes. */
public final class ModelFile {
    private ModelFile() {}

    /**
     * Writes {@code spec} with {@code parameters} for one sequence at a time to {@code file}, without optimizer state.
     */
    public static void save(ModelSpec spec, float[] parameters, Path file) throws IOException {
        ModelGraph.withParameters(spec, 1, parameters).asFlatFile(file.toFile(), false);
    }
}
