package io.fathom.graph.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The files of a directory of this machine. */
public record LocalFiles(Path directory) implements WeightFiles {
    @Override
    public String name() {
        return directory.toString();
    }

    @Override
    public boolean has(String file) {
        return Files.isRegularFile(directory.resolve(file));
    }

    @Override
    public ByteSource open(String file) throws IOException {
        return ByteSource.of(directory.resolve(file));
    }
}
