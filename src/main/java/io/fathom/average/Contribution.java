package io.fathom.average;

import java.nio.ByteBuffer;
import java.util.Comparator;
import java.util.List;

/**
 * One worker's part of one slice.
 *
 * @param worker from 0
 * @param tokens the worker's weight
 * @param values encoded by the round's {@link SliceCodec}
 */
public record Contribution(int worker, long tokens, byte[] values) {
    private static final int HEADER = Integer.BYTES + Long.BYTES;

    /** As it travels: worker, tokens (big-endian), values. */
    public byte[] toBytes() {
        return ByteBuffer.allocate(HEADER + values.length)
                .putInt(worker)
                .putLong(tokens)
                .put(values)
                .array();
    }

    /** The contribution of {@link #toBytes}. */
    public static Contribution fromBytes(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        int worker = in.getInt();
        long tokens = in.getLong();
        byte[] values = new byte[in.remaining()];
        in.get(values);
        return new Contribution(worker, tokens, values);
    }

    /** The weighted mean of slice {@code from} to {@code to}, taken in worker order whatever order they came in. */
    public static float[] mean(List<Contribution> contributions, SliceCodec codec, int from, int to) {
        WeightedMean mean = new WeightedMean(to - from);
        contributions.stream()
                .sorted(Comparator.comparingInt(Contribution::worker))
                .forEach(c -> mean.add(codec.decode(c.values(), from, to), c.tokens()));
        return mean.mean();
    }
}
