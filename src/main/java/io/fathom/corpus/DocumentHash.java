package io.fathom.corpus;

import java.nio.ByteBuffer;

/**
 * The SHA-256 of a document's normalised UTF-8, which names it: equal hashes are duplicates, the order of the hashes is
 * the order of the corpus, and the split follows from the hash alone, so it never moves when files are added.
 */
public final class DocumentHash {
    /** Bytes of a hash. */
    public static final int BYTES = 32;

    private static final int SPLIT_BYTES_FROM = 24;

    private DocumentHash() {}

    public static byte[] of(byte[] utf8) {
        return Hashes.sha256().digest(utf8);
    }

    /**
     * Whether the document is for validation: its last eight bytes, as a number in [0, 1), lie below {@code fraction}.
     * The first bytes give the order, so the two are independent.
     */
    public static boolean isValidation(byte[] hash, double fraction) {
        long bits = ByteBuffer.wrap(hash).getLong(SPLIT_BYTES_FROM);
        return (bits >>> 11) * 0x1p-53 < fraction;
    }

    /** Which of {@code buckets} equal ranges of the hash order the document falls into. */
    public static int bucket(byte[] hash, int buckets) {
        long first = Integer.toUnsignedLong(ByteBuffer.wrap(hash).getInt(0));
        return (int) ((first * buckets) >>> Integer.SIZE);
    }
}
