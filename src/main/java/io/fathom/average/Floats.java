package io.fathom.average;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/** Floats as little-endian bytes, the form in which they travel. */
public final class Floats {
    private Floats() {}

    /** {@code bytes} as a little-endian buffer over the same memory. */
    public static ByteBuffer buffer(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Floats {@code from} to {@code to} (exclusive) as bytes. */
    public static byte[] toBytes(float[] values, int from, int to) {
        byte[] bytes = new byte[Math.multiplyExact(Float.BYTES, to - from)];
        buffer(bytes).asFloatBuffer().put(values, from, to - from);
        return bytes;
    }

    /** Copies the first {@code count} of {@code values} into {@code out}, which moves on. */
    static void put(float[] values, int count, ByteBuffer out) {
        out.asFloatBuffer().put(values, 0, count);
        out.position(out.position() + Float.BYTES * count);
    }

    /** Copies the next {@code count} floats of {@code in}, which moves on, to the beginning of {@code values}. */
    public static void get(ByteBuffer in, float[] values, int count) {
        in.asFloatBuffer().get(values, 0, count);
        in.position(in.position() + Float.BYTES * count);
    }

    /**
     * CRC32C of {@code length} bytes from {@code from} on: two replicas whose slices have the same checksums hold the
     * same parameters.
     */
    public static int crc32c(byte[] bytes, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, length);
        return (int) crc.getValue();
    }
}
