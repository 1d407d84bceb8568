package io.fathom.corpus;

import io.fathom.config.CorpusConfig;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** How documents lie in a file, told by its name. */
public enum SourceKind {
    /** Plain text: one document, or pieces of a long one. */
    TEXT(true),
    /** A JSON object a line, one document each. */
    JSON_LINES(true),
    /** Parquet, one document a row. */
    PARQUET(true),
    /** A zip or jar file of text and JSON lines. */
    ARCHIVE(false);

    private final boolean splittable;

    SourceKind(boolean splittable) {
        this.splittable = splittable;
    }

    /** Whether parts of an uncompressed file can be read on their own. */
    boolean splittable() {
        return splittable;
    }

    /**
     * The kind of a file of this name, without the suffix of a compression.
     *
     * @param extensions of plain text, see {@link CorpusConfig#extensions}
     */
    static Optional<SourceKind> of(String name, Set<String> extensions) {
        String extension = extension(name);
        return switch (extension) {
            case "jsonl", "ndjson" -> Optional.of(JSON_LINES);
            case "parquet" -> Optional.of(PARQUET);
            case "zip", "jar" -> Optional.of(ARCHIVE);
            default -> extensions.contains(extension) ? Optional.of(TEXT) : Optional.empty();
        };
    }

    /** What follows the last dot of the last part of a path, in lower case; empty without one. */
    static String extension(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        int dot = name.lastIndexOf('.');
        return dot < 0 ? "" : name.substring(dot + 1).toLowerCase(Locale.ROOT);
    }
}
