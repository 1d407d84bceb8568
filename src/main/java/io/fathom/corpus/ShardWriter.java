package io.fathom.corpus;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/** Writes one token shard, front to back; the number of tokens is fixed at the start, as the header comes first. */
public final class ShardWriter implements Closeable {
    private static final int BUFFER_TOKENS = 1 << 14;

    private final OutputStream out;
    private final ShardFormat format;
    private final CRC32C crc = new CRC32C();
    private final ByteBuffer buffer;
    private long missing;

    /** Owns {@code out} from now on. */
    public ShardWriter(OutputStream out, Tokenizer tokenizer, long tokens) throws IOException {
        this.out = out;
        this.format = ShardFormat.of(tokenizer);
        this.buffer = ByteBuffer.allocate(BUFFER_TOKENS * format.tokenWidth()).order(ByteOrder.LITTLE_ENDIAN);
        this.missing = tokens;
        byte[] header = format.header(tokens);
        crc.update(header);
        out.write(header);
    }

    /** Appends {@code tokens[0 .. count)}. */
    public void write(int[] tokens, int count) throws IOException {
        if (count > missing) {
            throw new IllegalArgumentException(count + " more tokens where " + missing + " are missing");
        }
        for (int from = 0; from < count; from += BUFFER_TOKENS) {
            int part = Math.min(BUFFER_TOKENS, count - from);
            format.put(tokens, from, part, buffer.clear());
            writeChecked(buffer.array(), buffer.position());
        }
        missing -= count;
    }

    /** Appends tokens that are already in the width and byte order of the format. */
    void writeEncoded(byte[] tokens, int bytes) throws IOException {
        missing -= bytes / format.tokenWidth();
        writeChecked(tokens, bytes);
    }

    private void writeChecked(byte[] bytes, int count) throws IOException {
        crc.update(bytes, 0, count);
        out.write(bytes, 0, count);
    }

    /** Writes the footer, closes the file and gives the checksum in it as eight hex digits. */
    public String finish() throws IOException {
        if (missing != 0) {
            throw new IllegalStateException(missing + " tokens are missing");
        }
        int checksum = (int) crc.getValue();
        out.write(ByteBuffer.allocate(ShardFormat.FOOTER_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(checksum)
                .array());
        out.close();
        return ShardFormat.crcText(checksum);
    }

    /** Closes the file, finished or not; the footer of an unfinished shard is missing. */
    @Override
    public void close() throws IOException {
        out.close();
    }
}
