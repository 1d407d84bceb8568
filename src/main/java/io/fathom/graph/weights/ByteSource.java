package io.fathom.graph.weights;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file that can be read at any place, wherever it lies. */
public interface ByteSource extends AutoCloseable {
    /** What messages call it. */
    String name();

    /** Bytes it has. */
    long length();

    /** Fills {@code into} from the bytes at {@code position}; throws {@link EOFException} where they end before. */
    void read(long position, byte[] into) throws IOException;

    @Override
    void close() throws IOException;

    /** A file of this machine. */
    static ByteSource of(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        long length = channel.size();
        return new ByteSource() {
            @Override
            public String name() {
                return path.toString();
            }

            @Override
            public long length() {
                return length;
            }

            @Override
            public void read(long position, byte[] into) throws IOException {
                ByteBuffer buffer = ByteBuffer.wrap(into);
                while (buffer.hasRemaining()) {
                    if (channel.read(buffer, position + buffer.position()) < 0) {
                        throw new EOFException(path + " ended at byte " + channel.size());
                    }
                }
            }

            @Override
            public void close() throws IOException {
                channel.close();
            }
        };
    }

    /** Bytes in memory. */
    static ByteSource of(String name, byte[] bytes) {
        return new ByteSource() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public long length() {
                return bytes.length;
            }

            @Override
            public void read(long position, byte[] into) throws IOException {
                if (position + into.length > bytes.length) {
                    throw new EOFException(name + " ended at byte " + bytes.length);
                }
                System.arraycopy(bytes, (int) position, into, 0, into.length);
            }

            @Override
            public void close() {}
        };
    }
}
