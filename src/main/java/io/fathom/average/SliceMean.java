package io.fathom.average;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The weighted mean of one slice over the workers, taken in worker order whatever order they come in. One that comes
 * before its turn is copied and waits. Those that stay where they are wait uncopied, all of them, so that a slice is
 * summed at once, while its sums are in the processor's cache.
 */
public final class SliceMean {
    private final SliceCodec codec;
    private final int from;
    private final int to;
    private final Room room;
    private final Map<Integer, Contribution> waiting = new TreeMap<>();
    private @Nullable WeightedMean begun;
    private int next;

    /** Memory in which the slices of one task take turns. */
    public static final class Room {
        private final float[] values;
        private final Deque<WeightedMean> idle = new ArrayDeque<>();

        /** For slices of at most {@code length} floats. */
        public Room(int length) {
            this.values = new float[length];
        }

        private WeightedMean mean(int length) {
            WeightedMean mean = idle.isEmpty() ? new WeightedMean(values.length) : idle.pop();
            mean.restart(length);
            return mean;
        }
    }

    /** Of elements {@code from} to {@code to}, exclusive, as {@code codec} encoded them. */
    public SliceMean(SliceCodec codec, int from, int to, Room room) {
        this.codec = codec;
        this.from = from;
        this.to = to;
        this.room = room;
    }

    /** Takes one contribution, whose buffer may be written to afterwards unless it stays. */
    public void add(Contribution contribution) {
        if (contribution.stays() || contribution.worker() != next) {
            waiting.put(contribution.worker(), contribution.staying());
            return;
        }
        take(contribution);
        next++;
        for (Contribution then = waiting.remove(next); then != null; then = waiting.remove(next)) {
            take(then);
            next++;
        }
    }

    private void take(Contribution contribution) {
        codec.decode(contribution.values(), from, to, room.values);
        sums().add(room.values, contribution.tokens());
    }

    private WeightedMean sums() {
        if (begun == null) {
            begun = room.mean(to - from);
        }
        return begun;
    }

    /** Whether the first {@code workers} have come, and so all of that many. */
    public boolean holds(int workers) {
        return next + waiting.size() == workers;
    }

    /**
     * The mean, when all have come; workers that gave nothing are passed over. At the beginning of an array that the
     * next slice of the same room will use, and the last that is asked of this slice.
     */
    public float[] mean() {
        waiting.values().forEach(this::take);
        WeightedMean sums = sums();
        sums.mean(room.values);
        room.idle.push(sums);
        return room.values;
    }
}
