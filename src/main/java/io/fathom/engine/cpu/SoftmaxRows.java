package io.fathom.engine.cpu;

/**
 * Exponentials and sums of the rows of a block, for softmax.
 *
 * <p>One shift serves all rows of a block: its largest entry, found by vector code, where the largest entry of each row
 * would be found by a branch an entry, and mispredicted. A row that lies so far below the shift that its exponentials
 * lose digits is done again with its own.
 */
final class SoftmaxRows {
    /** e^-16: a row whose sum is smaller is done again. */
    private static final float SMALLEST_SUM = 1e-7f;

    private SoftmaxRows() {}

    /** Turns the first {@code n} entries of {@code z} into e^(z - shift), in place, and returns the shift. */
    static float exponentials(float[] z, int n, float[] scratch, float[] more) {
        float shift = max(z, n, scratch, more);
        Vectors.expOfShifted(z, 0, n, shift);
        return shift;
    }

    /** Whether a row of sum {@code sum} must be done again by itself. */
    static boolean lost(float sum) {
        return sum < SMALLEST_SUM;
    }

    /** Largest of the first {@code n} entries: halves are laid upon each other until few are left. */
    private static float max(float[] z, int n, float[] scratch, float[] more) {
        float[] from = z;
        float[] to = scratch;
        int length = n;
        while (length > 16) {
            int half = (length + 1) / 2;
            // Copied to the front first: the loop is vector code only where both arrays have one index.
            System.arraycopy(from, length - half, to, 0, half);
            Vectors.larger(to, from, half);
            from = to;
            to = from == scratch ? more : scratch;
            length = half;
        }
        float max = from[0];
        for (int i = 1; i < length; i++) {
            max = Math.max(max, from[i]);
        }
        return max;
    }
}
