package io.fathom.corpus;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * What came of reading one part of a file.
 *
 * @param part its number
 * @param source the number of the file
 * @param documents read, blank ones not counted
 * @param blankDocuments read
 * @param replaced malformed sequences replaced by U+FFFD
 * @param contentHash SHA-256 over the hashes of the documents, in order
 * @param problem why reading stopped before the end
 */
public record SourceReport(
        int part,
        int source,
        long documents,
        long blankDocuments,
        long replaced,
        String contentHash,
        @Nullable String problem)
        implements Serializable {}
