package io.fathom.graph.weights;

import java.io.IOException;

/** Where a checkpoint's files lie: a directory of this machine or of any other file system. */
public interface WeightFiles {
    /** What messages call the directory. */
    String name();

    /** Whether there is a file {@code file}. */
    boolean has(String file) throws IOException;

    /** Opens {@code file} for reading. */
    ByteSource open(String file) throws IOException;
}
