package io.fathom.corpus;

/**
 * A file to read documents from.
 *
 * @param path fully qualified
 * @param bytes its length
 * @param modifiedMillis when it last changed, since 1970
 * @param kind how documents lie in it
 * @param compressed whether a stream compression (gzip, bzip2, ...) is around it
 * @param validation whether all of it is for validation
 */
public record SourceFile(
        String path, long bytes, long modifiedMillis, SourceKind kind, boolean compressed, boolean validation) {
    /** Whether it holds more text than bytes. */
    public boolean isPacked() {
        return compressed || kind == SourceKind.ARCHIVE || kind == SourceKind.PARQUET;
    }
}
