package io.fathom.average;

import java.io.Serializable;

/** How one worker's slice of parameters travels. */
public interface SliceCodec extends Serializable {

    /**
     * The bytes for floats {@code from} to {@code to} (exclusive) of the vector.
     *
     * @param before the parameters the worker started from
     * @param after the parameters it came to
     */
    byte[] encode(float[] before, float[] after, int from, int to);

    /** What the receiver makes of {@link #encode}'s bytes. */
    float[] decode(byte[] bytes, int from, int to);

    /** Whether decoded values are changes to the parameters rather than the parameters. */
    boolean relative();
}
