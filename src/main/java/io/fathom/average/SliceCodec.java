package io.fathom.average;

import java.io.Serializable;
import java.nio.ByteBuffer;

/** How one worker's slice of parameters travels. Buffers are little-endian. */
public interface SliceCodec extends Serializable {

    /** Bytes of floats {@code from} to {@code to} (exclusive) of the vector. */
    int bytes(int from, int to);

    /**
     * Puts floats {@code from} to {@code to} (exclusive) of the vector into {@code out}, {@link #bytes} in all.
     *
     * @param before the parameters the worker started from; the first is parameter {@code from}
     * @param after the parameters it came to, likewise
     */
    void encode(float[] before, float[] after, int from, int to, ByteBuffer out);

    /** What the receiver makes of {@link #encode}'s bytes, into the beginning of {@code values}. */
    void decode(ByteBuffer in, int from, int to, float[] values);

    /** Whether decoded values are changes to the parameters rather than the parameters. */
    boolean relative();
}
