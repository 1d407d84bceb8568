package io.fathom.corpus;

import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * The layout of a token shard, format version 1. All numbers are little-endian, so that {@code numpy.memmap(file,
 * "<u2", offset=64, shape=tokens)} reads one.
 *
 * <pre>
 *  0  8 bytes  "FATHOMTK"
 *  8  int32    format version, 1
 * 12  int32    w, bytes of a token: 1, 2 or 4, the fewest that hold V - 1
 * 16  int64    n, tokens
 * 24  32 bytes tokenizer fingerprint
 * 56  int32    V, vocabulary
 * 60  int32    CRC32C of bytes 0 .. 59
 * 64  n * w    tokens, unsigned
 * 64 + n * w   int32, CRC32C of all bytes before
 * </pre>
 *
 * @param vocabulary V
 * @param fingerprint of the tokenizer, 64 hex digits
 */
record ShardFormat(int vocabulary, String fingerprint) implements Serializable {
    static final int VERSION = 1;
    static final int HEADER_BYTES = 64;
    static final int FOOTER_BYTES = 4;

    private static final byte[] MAGIC = "FATHOMTK".getBytes(StandardCharsets.US_ASCII);
    private static final int HEADER_CHECKED_BYTES = 60;

    static ShardFormat of(Tokenizer tokenizer) {
        return new ShardFormat(tokenizer.vocabulary(), tokenizer.fingerprint());
    }

    /** w, bytes of a token. */
    int tokenWidth() {
        return vocabulary <= 1 << 8 ? 1 : vocabulary <= 1 << 16 ? 2 : 4;
    }

    /** Bytes of the file of a shard of {@code tokens}. */
    long fileBytes(long tokens) {
        return HEADER_BYTES + tokens * tokenWidth() + FOOTER_BYTES;
    }

    byte[] header(long tokens) {
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        header.put(MAGIC).putInt(VERSION).putInt(tokenWidth()).putLong(tokens);
        header.put(HexFormat.of().parseHex(fingerprint)).putInt(vocabulary);
        CRC32C crc = new CRC32C();
        crc.update(header.array(), 0, HEADER_CHECKED_BYTES);
        return header.putInt((int) crc.getValue()).array();
    }

    /** Throws {@link DamagedShard} unless {@code header} is that of a shard of {@code tokens} in this format. */
    void checkHeader(byte[] header, long tokens) throws DamagedShard {
        ByteBuffer found = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
        if (!Arrays.equals(MAGIC, 0, MAGIC.length, header, 0, MAGIC.length)) {
            throw new DamagedShard("does not begin like a token shard", hex(MAGIC), hex(Arrays.copyOf(header, 8)));
        }
        if (found.getInt(8) != VERSION) {
            throw new DamagedShard("is of another format version", VERSION, found.getInt(8));
        }
        CRC32C crc = new CRC32C();
        crc.update(header, 0, HEADER_CHECKED_BYTES);
        if ((int) crc.getValue() != found.getInt(HEADER_CHECKED_BYTES)) {
            throw new DamagedShard(
                    "has a damaged header: checksum", crcText((int) crc.getValue()), crcText(found.getInt(60)));
        }
        if (found.getLong(16) != tokens) {
            throw new DamagedShard("holds another number of tokens", tokens, found.getLong(16));
        }
        String foundFingerprint = HexFormat.of().formatHex(header, 24, 56);
        if (!foundFingerprint.equals(fingerprint) || found.getInt(56) != vocabulary) {
            throw new DamagedShard(
                    "was made by another tokenizer",
                    fingerprint + " of " + vocabulary + " tokens",
                    foundFingerprint + " of " + found.getInt(56) + " tokens");
        }
    }

    /** Appends {@code tokens[from .. from + count)} to the little-endian {@code out}. */
    void put(int[] tokens, int from, int count, ByteBuffer out) {
        int width = tokenWidth();
        for (int i = from; i < from + count; i++) {
            switch (width) {
                case 1 -> out.put((byte) tokens[i]);
                case 2 -> out.putShort((short) tokens[i]);
                default -> out.putInt(tokens[i]);
            }
        }
    }

    /** Reads {@code count} tokens at byte {@code position} of the little-endian {@code in}; its own position stays. */
    void get(ByteBuffer in, int position, int[] into, int at, int count) {
        int width = tokenWidth();
        for (int i = 0; i < count; i++) {
            into[at + i] = switch (width) {
                case 1 -> Byte.toUnsignedInt(in.get(position + i));
                case 2 -> Short.toUnsignedInt(in.getShort(position + 2 * i));
                default -> in.getInt(position + 4 * i);
            };
        }
    }

    static String crcText(int crc) {
        return HexFormat.of().toHexDigits(crc);
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    /** A shard is not what the manifest says; the message lacks only the file's name. */
    static final class DamagedShard extends Exception {
        private static final long serialVersionUID = 1L;

        DamagedShard(String what, Object expected, Object found) {
            super(what + " (expected " + expected + ", found " + found + ")");
        }
    }
}
