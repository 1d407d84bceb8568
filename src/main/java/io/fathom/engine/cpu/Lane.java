package io.fathom.engine.cpu;

/** One thread of a session: which share of every step is its own, its scratch rows and its door to BLAS. */
final class Lane {
    /** Floats of a block: three of them stay in the first-level cache. */
    static final int BLOCK = 2048;

    final int index;
    final int count;
    final Blas blas = new Blas();
    /** Scratch blocks; each holds {@link #BLOCK} floats or the widest row of the program. */
    final float[] a;

    final float[] b;
    final float[] c;
    final float[] d;
    final float[] e;
    /** Blocks that hold, one after another, what {@link #scratch} holds. */
    final float[][] blocks;
    /** Scratch of {@link TopKStep}: the scores of one sequence as ints, and a histogram of one byte. */
    final int[] keys;

    final int[] histogram = new int[256];
    /** This lane's share of sums over rows; the last step of a run adds them to the gradient. */
    final Floats partials;
    /** Scratch outside the heap, for matrix products. */
    final Floats scratch;

    Lane(int index, int count, int widestRow, Floats partials, Floats scratch) {
        this.index = index;
        this.count = count;
        int length = ofEqualPlace(Math.max(BLOCK, widestRow));
        this.a = new float[length];
        this.b = new float[length];
        this.c = new float[length];
        this.d = new float[length];
        this.e = new float[length];
        // Rows of at most QUERIES floats leave less than a row of a block empty.
        this.blocks = new float[scratch.length() / (BLOCK - AttentionShape.QUERIES) + 1][ofEqualPlace(BLOCK)];
        this.keys = new int[length];
        this.partials = partials;
        this.scratch = scratch;
    }

    /**
     * The next length at which arrays made one after another lie a multiple of 64 bytes apart, 16 of them for what
     * stands before the first float. A loop is aligned to one of its arrays alone, and so to all of them.
     */
    private static int ofEqualPlace(int length) {
        return (length + 3) / 16 * 16 + 12;
    }

    /** First of {@code units} that is this lane's. */
    int from(int units) {
        return (int) ((long) units * index / count);
    }

    /** One past the last of {@code units} that is this lane's. */
    int to(int units) {
        return (int) ((long) units * (index + 1) / count);
    }

    /** Leaves the sum of the {@code rows} rows of {@code block} in this lane's partials from {@code at} on. */
    void leaveSum(float[] block, int rows, int columns, int at) {
        for (int row = 1; row < rows; row++) {
            for (int i = 0; i < columns; i++) {
                block[i] += block[row * columns + i];
            }
        }
        partials.put(at, block, columns);
    }

    boolean first() {
        return index == 0;
    }

    /** Rows of {@code columns} floats that fit in a scratch block, at least 1. */
    static int rowsOfBlock(int columns) {
        return Math.max(1, BLOCK / columns);
    }
}
