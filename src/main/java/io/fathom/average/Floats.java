package io.fathom.average;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/** Floats as little-endian bytes, and their checksum. */
public final class Floats {
    private static final int CHUNK = 1 << 16;

    private Floats() {}

    /** Floats {@code from} to {@code to} (exclusive) as bytes. */
    public static byte[] toBytes(float[] values, int from, int to) {
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(Float.BYTES, to - from));
        bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values, from, to - from);
        return bytes.array();
    }

    /** The floats of {@link #toBytes}. */
    public static float[] fromBytes(byte[] bytes) {
        float[] values = new float[bytes.length / Float.BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
    }

    /** CRC32C of all bytes of {@code values}: two replicas with one checksum hold the same parameters. */
    public static long crc32c(float[] values) {
        CRC32C crc = new CRC32C();
        ByteBuffer chunk = ByteBuffer.allocate(Float.BYTES * Math.min(CHUNK, values.length))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (int from = 0; from < values.length; from += CHUNK) {
            int count = Math.min(CHUNK, values.length - from);
            chunk.asFloatBuffer().put(values, from, count);
            crc.update(chunk.array(), 0, Float.BYTES * count);
        }
        return crc.getValue();
    }
}
