package io.fathom.corpus;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;

/** The bytes of the lines that begin in a range of a file: a line that crosses the end of the range is read whole. */
final class LineInput implements Closeable {
    static final int END = -1;

    private static final int BUFFER_BYTES = 1 << 16;

    private final InputStream in;
    private final long to;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int next;
    private int filled;
    private long position;

    /**
     * @param in stands at byte {@code from}, or at the byte before it when that is not 0
     * @param from where the range begins
     * @param to where it ends
     */
    LineInput(InputStream in, long from, long to) throws IOException {
        this.in = in;
        this.to = to;
        if (from > 0) {
            // The line that begins at `from` is ours only if the byte before ends a line.
            position = from - 1;
            int read = read();
            while (read != END && read != '\n') {
                read = read();
            }
        }
    }

    /** The next byte, {@link #END} after the last of the file. */
    int read() throws IOException {
        if (next == filled) {
            filled = in.read(buffer);
            next = 0;
            if (filled <= 0) {
                filled = 0;
                return END;
            }
        }
        position++;
        return Byte.toUnsignedInt(buffer[next++]);
    }

    /** The byte that {@link #read} would give, without taking it. */
    int peek() throws IOException {
        int read = read();
        if (read != END) {
            position--;
            next--;
        }
        return read;
    }

    /** Whether a line that begins here belongs to the range. */
    boolean inRange() {
        return position < to;
    }

    /** Number of the next byte in the file. */
    long position() {
        return position;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
