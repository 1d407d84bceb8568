package io.fathom.corpus;

import java.io.Closeable;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The documents of one part of a file, one after the other. */
interface DocumentReader extends Closeable {
    /**
     * The next document, null after the last.
     *
     * @throws BadSourceException if the file is malformed, and at which line, row or entry
     * @throws IOException if it cannot be read
     */
    @Nullable
    NormalText next() throws IOException;
}
