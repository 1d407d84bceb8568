package io.fathom.cluster;

import io.fathom.average.Floats;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ForkJoinPool;
import org.jspecify.annotations.Nullable;

/**
 * Where the means of one round arrive at the driver, each when its task has it. As results of tasks they would come
 * only when a task has ended, through three serialisers more, and all be held at once.
 *
 * <p>Spark hands messages over in one thread; the means are taken by all processors. In local mode the tasks themselves
 * bring theirs, and no message is sent. A mean may come twice, from two attempts of a task, always with the same bits;
 * what comes for a round that is over is passed over.
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
        /**
         * Takes the mean with number {@code number}, which begins {@code mean}; called by many threads at once, with
         * different numbers.
         */
        void take(int number, float[] mean);
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

    /** Those of {@code round}, where it is this process that waits for them. */
    static Optional<Arrivals> here(String round) {
        return Optional.ofNullable(OPEN.get(round));
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

    /** Has a mean that came as bytes brought to the round by another thread, unless the round has it. */
    void take(int number, byte[] bytes) {
        begin(number)
                .ifPresent(taken -> ForkJoinPool.commonPool().execute(() -> {
                    float[] mean = new float[bytes.length / Float.BYTES];
                    Floats.get(Floats.buffer(bytes), mean, mean.length);
                    bring(number, mean, taken);
                }));
    }

    /** Brings the mean that begins {@code mean} to the round, unless that has it; throws what the taker throws. */
    void take(int number, float[] mean) {
        begin(number).ifPresent(taken -> {
            bring(number, mean, taken);
            taken.join();
        });
    }

    /** What becomes of a mean that nobody has brought yet. */
    private synchronized Optional<CompletableFuture<Void>> begin(int number) {
        CompletableFuture<Void> before = taking.get(number);
        if (closed || (before != null && !before.isCompletedExceptionally())) {
            return Optional.empty();
        }
        CompletableFuture<Void> taken = new CompletableFuture<>();
        taking.put(number, taken);
        return Optional.of(taken);
    }

    private void bring(int number, float[] mean, CompletableFuture<Void> taken) {
        try {
            taker.take(number, mean);
            taken.complete(null);
        } catch (RuntimeException | Error e) {
            taken.completeExceptionally(e);
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
