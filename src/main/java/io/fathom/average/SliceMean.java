package io.fathom.average;

import java.util.Map;
import java.util.TreeMap;

/**
 * The weighted mean of one slice over the workers, taken in worker order whatever order they come in: one that comes
 * before its turn is copied and waits.
 */
public final class SliceMean {
    private final SliceCodec codec;
    private final int from;
    private final int to;
    private final WeightedMean mean;
    private final Map<Integer, Contribution> waiting = new TreeMap<>();
    private int next;

    /** Of elements {@code from} to {@code to}, exclusive, as {@code codec} encoded them. */
    public SliceMean(SliceCodec codec, int from, int to) {
        this.codec = codec;
        this.from = from;
        this.to = to;
        this.mean = new WeightedMean(to - from);
    }

    /**
     * Takes one contribution, whose buffer may be written to afterwards.
     *
     * @param decoded room for a slice
     */
    public void add(Contribution contribution, float[] decoded) {
        if (contribution.worker() != next) {
            waiting.put(contribution.worker(), contribution.copy());
            return;
        }
        take(contribution, decoded);
        next++;
        for (Contribution then = waiting.remove(next); then != null; then = waiting.remove(next)) {
            take(then, decoded);
            next++;
        }
    }

    private void take(Contribution contribution, float[] decoded) {
        codec.decode(contribution.values(), from, to, decoded);
        mean.add(decoded, contribution.tokens());
    }

    /** Whether the first {@code workers} have come. */
    public boolean holds(int workers) {
        return next == workers;
    }

    /**
     * The mean as bytes, when all have come; workers that gave nothing are passed over.
     *
     * @param room for a slice
     */
    public byte[] bytes(float[] room) {
        waiting.values().forEach(contribution -> take(contribution, room));
        mean.mean(room);
        return Floats.toBytes(room, 0, to - from);
    }
}
