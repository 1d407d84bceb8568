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

    /** A contribution with room for {@code bytes} of values. */
    public static byte[] begin(int worker, long tokens, int bytes) {
        byte[] contribution = new byte[HEADER + bytes];
        Floats.buffer(contribution).putInt(worker).putLong(tokens);
        return contribution;
    }

    /** The values of a contribution, to be written or read. */
    public static ByteBuffer values(byte[] contribution) {
        return Floats.buffer(contribution).position(HEADER);
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
