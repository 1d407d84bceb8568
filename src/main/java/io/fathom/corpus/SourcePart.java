package io.fathom.corpus;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * What one reader reads: a whole file, or of a long one the lines or row groups that begin in a range of its bytes. The
 * ranges depend on the file alone, never on the cluster, since they decide where text is cut.
 *
 * @param index number of this part among all parts of all files, in order
 * @param source number of the file
 * @param from first byte of the range
 * @param to byte after the range
 */
public record SourcePart(int index, int source, String path, SourceKind kind, boolean compressed, long from, long to)
        implements Serializable {
    private static final long RANGE_BYTES = 64L << 20;

    /** The parts of {@code files}, in order. */
    public static List<SourcePart> of(List<SourceFile> files) {
        List<SourcePart> parts = new ArrayList<>();
        for (int source = 0; source < files.size(); source++) {
            SourceFile file = files.get(source);
            boolean whole = file.compressed() || !file.kind().splittable();
            long step = whole ? Math.max(1, file.bytes()) : RANGE_BYTES;
            long from = 0;
            do {
                long to = Math.min(file.bytes(), from + step);
                parts.add(new SourcePart(parts.size(), source, file.path(), file.kind(), file.compressed(), from, to));
                from = to;
            } while (from < file.bytes());
        }
        return parts;
    }

    /** Bytes of the range. */
    public long bytes() {
        return to - from;
    }
}
