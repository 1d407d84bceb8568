package io.fathom.average;

import java.nio.ByteBuffer;

/**
 * One worker's part of one slice, as it travels: worker, tokens, then the values as the round's {@link SliceCodec} puts
 * them. Little-endian.
 *
 * @param worker that made it, from 0
 * @param tokens its weight
 * @param values from the buffer's position on
 * @param stays whether the buffer stays as it is until the mean is made
 */
public record Contribution(int worker, long tokens, ByteBuffer values, boolean stays) {
    private static final int HEADER = Integer.BYTES + Long.BYTES;

    /** Bytes of a contribution with {@code values} bytes of values. */
    public static int bytes(int values) {
        return HEADER + values;
    }

    /** Begins a contribution in {@code to}, where the values come next. */
    public static void begin(int worker, long tokens, ByteBuffer to) {
        to.putInt(worker).putLong(tokens);
    }

    /** The contribution in {@code in}, whose bytes are not copied. */
    public static Contribution of(ByteBuffer in, boolean stays) {
        return new Contribution(in.getInt(), in.getLong(), in, stays);
    }

    /** The same, in memory of its own if it would not stay. */
    public Contribution staying() {
        if (stays) {
            return this;
        }
        byte[] bytes = new byte[values.remaining()];
        values.duplicate().get(bytes);
        return new Contribution(worker, tokens, Floats.buffer(bytes), true);
    }
}
