package io.fathom.corpus;

/**
 * A keyed permutation of 0 .. n - 1 that needs no table: a balanced Feistel network of six rounds over the smallest
 * even number of bits that holds n, walked on until the value falls below n. At most four steps on average, O(1)
 * memory.
 */
final class Permutation {
    private static final int ROUNDS = 10;

    private final long size;
    private final int halfBits;
    private final long halfMask;
    private final long[] keys = new long[ROUNDS];

    Permutation(long size, long key) {
        if (size < 1) {
            throw new IllegalArgumentException("a permutation needs at least one element, got " + size);
        }
        this.size = size;
        int bits = Math.max(2, Long.SIZE - Long.numberOfLeadingZeros(size - 1));
        this.halfBits = (bits + 1) / 2;
        this.halfMask = (1L << halfBits) - 1;
        long state = key;
        for (int round = 0; round < ROUNDS; round++) {
            state += 0x9E3779B97F4A7C15L;
            keys[round] = mix(state);
        }
    }

    /** Where {@code index} goes. */
    long at(long index) {
        if (index < 0 || index >= size) {
            throw new IndexOutOfBoundsException("index " + index + " is outside 0.." + (size - 1));
        }
        long value = index;
        do {
            value = encrypt(value);
        } while (value >= size);
        return value;
    }

    private long encrypt(long value) {
        long left = value >>> halfBits;
        long right = value & halfMask;
        for (long key : keys) {
            long next = left ^ (mix(right + key) & halfMask);
            left = right;
            right = next;
        }
        return (left << halfBits) | right;
    }

    /** The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit moves every output bit. */
    static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
