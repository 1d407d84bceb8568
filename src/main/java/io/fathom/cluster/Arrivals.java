package io.fathom.cluster;

import java.util.Arrays;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ForkJoinPool;
import org.jspecify.annotations.Nullable;

/**
 * Where the means of one round arrive at the driver, each when its task has it. As results of tasks they would come
 * only when a task has ended, through three serialisers more, and all be held at once.
 *
 * <p>Spark hands messages over in one thread; the means are taken by all processors. A mean may come twice, from two
 * attempts of a task, always with the same bits; what comes for a round that is over is passed over.
 */
final class Arrivals implements AutoCloseable {
    private static final Map<String, Arrivals> OPEN = new ConcurrentHashMap<>();

    private final String round = UUID.randomUUID().toString();
    private final Taker taker;
    private final Map<Integer, CompletableFuture<Void>> taking = new ConcurrentHashMap<>();
    private boolean closed;

    /** Whoever wants the means. */
    @FunctionalInterface
    interface Taker {
        /** Takes the mean with number {@code number}; called by many threads at once, with different numbers. */
        void take(int number, byte[] bytes);
    }

    /** Brings means to {@code taker}. */
    Arrivals(Taker taker) {
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
            return arrivals != null && Arrays.stream(inquiry.numbers()).allMatch(arrivals::holds);
        }
        if (arrivals != null && dispatch instanceof Dispatch.Mean mean) {
            arrivals.take(mean.number(), mean.bytes());
        }
        return null;
    }

    /** Has a mean brought to the round, unless that has it. */
    synchronized void take(int number, byte[] bytes) {
        if (!closed) {
            taking.compute(
                    number,
                    (same, before) -> before == null || before.isCompletedExceptionally()
                            ? CompletableFuture.runAsync(() -> taker.take(number, bytes), ForkJoinPool.commonPool())
                            : before);
        }
    }

    /** Waits for a mean that came; one that could not be taken is not held. */
    private boolean holds(int number) {
        CompletableFuture<Void> taken = taking.get(number);
        return taken != null && taken.handle((done, failure) -> failure == null).join();
    }

    /** Waits for all means that came; throws {@link java.util.concurrent.CompletionException} if one was refused. */
    void await() {
        taking.values().forEach(CompletableFuture::join);
    }

    /** From now on nothing is taken. */
    @Override
    public void close() {
        OPEN.remove(round);
        synchronized (this) {
            closed = true;
        }
        taking.keySet().forEach(this::holds);
    }
}
