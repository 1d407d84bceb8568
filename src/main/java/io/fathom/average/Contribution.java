package io.fathom.average;

import java.nio.ByteBuffer;
import java.util.Comparator;
import java.util.List;

/**
 * One worker's part of one slice, as it travels: worker, tokens, then the values as the round's {@link SliceCodec} puts
 * them. Little-endian.
 */
public final class Contribution {
    private static final int HEADER = Integer.BYTES + Long.BYTES;

    private final int worker;
    private final long tokens;
    private final ByteBuffer values;

    private Contribution(int worker, long tokens, ByteBuffer values) {
        this.worker = worker;
        this.tokens = tokens;
        this.values = values;
    }

    /** A buffer for {@code bytes} of values of a contribution, standing where they begin. */
    public static ByteBuffer begin(int worker, long tokens, int bytes) {
        return Floats.buffer(new byte[HEADER + bytes]).putInt(worker).putLong(tokens);
    }

    /** The values of a contribution that {@link #begin} began, at their beginning. */
    public static ByteBuffer values(ByteBuffer begun) {
        return Floats.buffer(begun.array()).position(HEADER);
    }

    /** The contribution in {@code bytes}, which are not copied. */
    public static Contribution of(byte[] bytes) {
        ByteBuffer in = Floats.buffer(bytes);
        return new Contribution(in.getInt(), in.getLong(), in);
    }

    /** The worker that made it, from 0. */
    public int worker() {
        return worker;
    }

    /**
     * The weighted mean of slice {@code from} to {@code to}, taken in worker order whatever order they came in.
     *
     * @param decoded room for a slice
     */
    public static WeightedMean mean(List<Contribution> of, SliceCodec codec, int from, int to, float[] decoded) {
        WeightedMean mean = new WeightedMean(to - from);
        of.stream().sorted(Comparator.comparingInt(Contribution::worker)).forEach(each -> {
            codec.decode(each.values, from, to, decoded);
            mean.add(decoded, each.tokens);
        });
        return mean;
    }
}
