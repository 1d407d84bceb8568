package io.fathom.corpus;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.hadoop.fs.FSDataInputStream;

/** Tokens in the width and byte order of a shard, before they are put into one. */
public final class ShardTokens {
    private static final int BUFFER_BYTES = 1 << 18;

    private ShardTokens() {}

    /** The bytes of {@code tokens}. */
    public static byte[] encode(int[] tokens, Tokenizer tokenizer) {
        ShardFormat format = ShardFormat.of(tokenizer);
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(tokens.length, format.tokenWidth()))
                .order(ByteOrder.LITTLE_ENDIAN);
        format.put(tokens, 0, tokens.length, bytes);
        return bytes.array();
    }

    /** Copies {@code count} encoded tokens of {@code in}, from number {@code from} on, into a shard. */
    public static void copy(FSDataInputStream in, long from, long count, ShardWriter shard, Tokenizer tokenizer)
            throws IOException {
        int width = ShardFormat.of(tokenizer).tokenWidth();
        byte[] buffer = new byte[BUFFER_BYTES];
        in.seek(from * width);
        for (long left = count * width; left > 0; ) {
            int part = (int) Math.min(buffer.length, left);
            in.readFully(buffer, 0, part);
            shard.writeEncoded(buffer, part);
            left -= part;
        }
    }
}
