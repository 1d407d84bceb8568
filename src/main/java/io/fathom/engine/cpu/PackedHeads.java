package io.fathom.engine.cpu;

/**
 * One operand of attention for all heads of a sequence, a head after another, rows close together: those of a head lie
 * a whole row of the model apart, which the caches bear badly. A row may end with a column of its own.
 */
final class PackedHeads {
    private final AttentionShape shape;
    private final int stride;
    private final Floats[] heads;

    /** Rows of {@code stride} floats, the width of a head or one more. */
    PackedHeads(AttentionShape shape, int stride, Floats room) {
        this.shape = shape;
        this.stride = stride;
        this.heads = new Floats[shape.heads()];
        int length = shape.length() * stride;
        for (int i = 0; i < heads.length; i++) {
            heads[i] = room.part(i * length, length);
        }
    }

    /** Floats that {@link #PackedHeads} needs. */
    static int room(AttentionShape shape, int stride) {
        return shape.heads() * shape.length() * stride;
    }

    long at(int head, int row) {
        return heads[head].at((long) row * stride);
    }

    /** Copies {@code n} rows from {@code row} on to the start of {@code to}. */
    void get(int head, int row, float[] to, int n) {
        heads[head].get(row * stride, to, n * stride);
    }

    /** Copies {@code n} rows from the start of {@code from} to {@code row} on. */
    void put(int head, int row, float[] from, int n) {
        heads[head].put(row * stride, from, n * stride);
    }

    /** Sets the column of its own of a row. */
    void last(int head, int row, float value) {
        heads[head].put(row * stride + stride - 1, value);
    }

    /** The column of its own of a row. */
    float last(int head, int row) {
        return heads[head].get(row * stride + stride - 1);
    }

    /**
     * Copies heads [{@code first}, {@code end}) of a sequence, whose head 0 begins at {@code origin} of {@code from};
     * the column of its own becomes {@code last}.
     */
    void pack(Floats from, long origin, int fromStride, int first, int end, float last, Lane lane) {
        int d = shape.headWidth();
        int width = (end - first) * d;
        int block = Lane.rowsOfBlock((end - first) * stride);
        for (int row = 0; row < shape.length(); row += block) {
            int n = Math.min(block, shape.length() - row);
            for (int i = 0; i < n; i++) {
                from.get((int) (origin + (long) (row + i) * fromStride) + first * d, lane.a, i * width, width);
            }
            for (int head = first; head < end; head++) {
                for (int i = 0; i < n; i++) {
                    System.arraycopy(lane.a, i * width + (head - first) * d, lane.b, i * stride, d);
                    if (stride > d) {
                        lane.b[i * stride + d] = last;
                    }
                }
                heads[head].put(row * stride, lane.b, n * stride);
            }
        }
    }

    /** The reverse of {@link #pack}, for rows without a column of their own. */
    void unpack(Floats to, long origin, int toStride, int first, int end, Lane lane) {
        int d = shape.headWidth();
        int width = (end - first) * d;
        int block = Lane.rowsOfBlock(width);
        for (int row = 0; row < shape.length(); row += block) {
            int n = Math.min(block, shape.length() - row);
            for (int head = first; head < end; head++) {
                heads[head].get(row * d, lane.b, n * d);
                for (int i = 0; i < n; i++) {
                    System.arraycopy(lane.b, i * d, lane.a, i * width + (head - first) * d, d);
                }
            }
            for (int i = 0; i < n; i++) {
                to.put((int) (origin + (long) (row + i) * toStride) + first * d, lane.a, i * width, width);
            }
        }
    }
}
