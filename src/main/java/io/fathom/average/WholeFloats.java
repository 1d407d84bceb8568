package io.fathom.average;

/**
 * fp32: the worker's parameters themselves, 4 bytes each. Not their change, since {@code before + (after - before)} is
 * not {@code after} in floats, and one worker alone must equal the local trainer bit for bit.
 */
public record WholeFloats() implements SliceCodec {
    @Override
    public byte[] encode(float[] before, float[] after, int from, int to) {
        return Floats.toBytes(after, from, to);
    }

    @Override
    public float[] decode(byte[] bytes, int from, int to) {
        return Floats.fromBytes(bytes);
    }

    @Override
    public boolean relative() {
        return false;
    }
}
