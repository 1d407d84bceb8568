package io.fathom.cluster;

import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Where the means of one round arrive at the driver, each when its task has it. As results of tasks they would come
 * only when a task has ended, through three serialisers more, and all be held at once.
 *
 * <p>A mean may come twice, from two attempts of a task, always with the same bits; what comes for a round that is over
 * is passed over.
 */
final class Arrivals implements AutoCloseable {
    private static final Map<String, Arrivals> OPEN = new ConcurrentHashMap<>();

    private final String round = UUID.randomUUID().toString();
    private final Taker taker;
    private final boolean[] here;
    private boolean closed;

    /** Whoever wants the means. */
    @FunctionalInterface
    interface Taker {
        /** Takes the mean with number {@code number}; may be called by different threads, one at a time. */
        void take(int number, byte[] bytes);
    }

    /** For {@code parts} means, brought to {@code taker}. */
    Arrivals(int parts, Taker taker) {
        this.here = new boolean[parts];
        this.taker = taker;
        OPEN.put(round, this);
    }

    /** Names this round. */
    String round() {
        return round;
    }

    /** Takes what a task sent; gives the answer, if any is wanted. */
    static @Nullable Object receive(Object message) {
        if (!(message instanceof Dispatch dispatch)) {
            throw new IllegalArgumentException("not of this plugin: " + message);
        }
        Arrivals arrivals = OPEN.get(dispatch.round());
        if (dispatch instanceof Dispatch.Inquiry inquiry) {
            return arrivals != null && arrivals.hold(inquiry.numbers());
        }
        if (arrivals != null && dispatch instanceof Dispatch.Mean mean) {
            arrivals.take(mean.number(), mean.bytes());
        }
        return null;
    }

    /** Brings a mean to the round. */
    synchronized void take(int number, byte[] bytes) {
        if (!closed) {
            taker.take(number, bytes);
            here[number] = true;
        }
    }

    private synchronized boolean hold(int[] numbers) {
        for (int number : numbers) {
            if (!here[number]) {
                return false;
            }
        }
        return true;
    }

    /** From now on nothing is taken. */
    @Override
    public synchronized void close() {
        OPEN.remove(round);
        closed = true;
    }
}
