package io.fathom.average;

import java.nio.ByteBuffer;

/**
 * fp32: the worker's parameters themselves, 4 bytes each. Not their change, since {@code before + (after - before)} is
 * not {@code after} in floats, and one worker alone must equal the local trainer bit for bit.
 */
public record WholeFloats() implements SliceCodec {
    @Override
    public int bytes(int from, int to) {
        return Math.multiplyExact(Float.BYTES, to - from);
    }

    @Override
    public void encode(float[] before, float[] after, int from, int to, ByteBuffer out) {
        Floats.put(after, to - from, out);
    }

    @Override
    public void decode(ByteBuffer in, int from, int to, float[] values) {
        Floats.get(in, values, to - from);
    }

    @Override
    public boolean relative() {
        return false;
    }
}
