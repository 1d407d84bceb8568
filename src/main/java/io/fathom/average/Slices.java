package io.fathom.average;

/**
 * How a vector of P floats is cut into slices, each summed by one task.
 *
 * @param size P
 * @param sliceFloats floats of every slice but the last, which may be shorter
 */
public record Slices(int size, int sliceFloats) {
    public Slices {
        if (size < 1 || sliceFloats < 1) {
            throw new IllegalArgumentException(
                    "size = " + size + ", sliceFloats = " + sliceFloats + ": both must be >= 1");
        }
    }

    /** Number of slices. */
    public int count() {
        return (int) (((long) size + sliceFloats - 1) / sliceFloats);
    }

    /** First float of slice {@code slice}. */
    public int from(int slice) {
        return Math.multiplyExact(slice, sliceFloats);
    }

    /** Float after the last of slice {@code slice}. */
    public int to(int slice) {
        return (int) Math.min(size, (slice + 1L) * sliceFloats);
    }

    /** Floats of slice {@code slice}. */
    public int length(int slice) {
        return to(slice) - from(slice);
    }
}
