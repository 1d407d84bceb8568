package io.fathom.cluster;

import io.fathom.corpus.DocumentHash;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Comparator;
import org.apache.spark.Partitioner;

/**
 * The sort key of a document as 44 bytes: its hash, then where it was read (part and number in it, big-endian), so that
 * equal documents come together and the first of them in the order of the files comes first.
 */
final class DocumentKey {
    private static final int BYTES = DocumentHash.BYTES + Integer.BYTES + Long.BYTES;

    private DocumentKey() {}

    static byte[] of(byte[] hash, int part, long number) {
        return ByteBuffer.allocate(BYTES).put(hash).putInt(part).putLong(number).array();
    }

    static byte[] hash(byte[] key) {
        return Arrays.copyOf(key, DocumentHash.BYTES);
    }

    static int part(byte[] key) {
        return ByteBuffer.wrap(key).getInt(DocumentHash.BYTES);
    }

    static boolean sameDocument(byte[] key, byte[] other) {
        return Arrays.equals(key, 0, DocumentHash.BYTES, other, 0, DocumentHash.BYTES);
    }

    /** The order of the corpus. */
    static final class Order implements Comparator<byte[]>, Serializable {
        private static final long serialVersionUID = 1L;

        @Override
        public int compare(byte[] a, byte[] b) {
            return Arrays.compareUnsigned(a, b);
        }
    }

    /** Equal ranges of that order. */
    static final class Buckets extends Partitioner {
        private static final long serialVersionUID = 1L;

        private final int buckets;

        Buckets(int buckets) {
            this.buckets = buckets;
        }

        @Override
        public int numPartitions() {
            return buckets;
        }

        @Override
        public int getPartition(Object key) {
            return DocumentHash.bucket((byte[]) key, buckets);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Buckets that && that.buckets == buckets;
        }

        @Override
        public int hashCode() {
            return buckets;
        }
    }
}
