package io.fathom.engine.cuda;

/**
 * Where the numbers of a pass over some rows lie, in the block that goes to the device and in the one that comes back;
 * decoding.cu says the same. Passes of one layout are one graph.
 *
 * @param stride elements of each array of rows: the first of {@link #STRIDES} that holds them
 * @param heads elements of logits or losses, likewise; 0 for none
 * @param losses whether losses are wanted, and logits stay on the device
 * @param predictor whether predictors decide routes
 * @param routed routed blocks
 * @param vocabulary V
 */
record PassLayout(int stride, int heads, boolean losses, boolean predictor, int routed, int vocabulary) {
    /** Most rows of a pass; MOST in decoding.cu. */
    static final int MOST_ROWS = 1024;
    /** Most rows of a pass whose logits come back. */
    static final int MOST_LOGITS = 64;
    /** Most rows of a pass whose losses come back. */
    static final int MOST_LOSSES = 256;
    /** Up to this many rows a warp makes an output for all of them. */
    static final int FEW = 8;

    private static final int[] STRIDES = {1, 4, FEW, MOST_LOGITS, MOST_LOSSES, MOST_ROWS};
    private static final int HEADER = 4;

    /** The layout for {@code rows} rows, {@code heads} of which are wanted. */
    static PassLayout of(int rows, int heads, boolean losses, boolean predictor, int routed, int vocabulary) {
        return new PassLayout(
                stride(rows), heads == 0 ? 0 : stride(heads), losses && heads > 0, predictor, routed, vocabulary);
    }

    private static int stride(int rows) {
        for (int stride : STRIDES) {
            if (rows <= stride) {
                return stride;
            }
        }
        throw new IllegalArgumentException(rows + " rows in a pass: at most " + MOST_ROWS);
    }

    // What goes in, counted in ints: rows, heads, 0, 0, then the arrays.

    int memory(int row) {
        return HEADER + 2 * row;
    }

    int token(int row) {
        return HEADER + 2 * stride + row;
    }

    int position(int row) {
        return HEADER + 3 * stride + row;
    }

    int first(int row) {
        return HEADER + 4 * stride + row;
    }

    int head(int head) {
        return HEADER + 5 * stride + head;
    }

    int target(int head) {
        return HEADER + 6 * stride + head;
    }

    int before(int index, int row) {
        return HEADER + (7 + index) * stride + row;
    }

    int threshold(int index) {
        return HEADER + (7 + routed) * stride + index;
    }

    long inputBytes() {
        return 4L * threshold(routed);
    }

    // What comes back, counted in ints or floats.

    int entered(int index, int row) {
        return index * stride + row;
    }

    int signal(int index, int row) {
        return (routed + index) * stride + row;
    }

    int loss(int head) {
        return 2 * routed * stride + head;
    }

    long logits(int head) {
        return 2L * routed * stride + (losses ? heads : 0) + (long) head * vocabulary;
    }

    long outputBytes() {
        return 4 * logits(losses ? 0 : heads);
    }

    /** Bytes on the device: as {@link #outputBytes}, with logits that do not come back. */
    long deviceOutputBytes() {
        return 4 * logits(heads);
    }
}
