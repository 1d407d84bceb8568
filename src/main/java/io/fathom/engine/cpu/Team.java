package io.fathom.engine.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The lanes of a session at work: the caller's thread is lane 0, each other lane has a daemon thread that sleeps
 * between runs. Within a run lanes meet after every step; they spin a little, since steps are short, then yield.
 */
final class Team implements AutoCloseable {
    private static final int SPINS = 2000;

    private final Lane[] lanes;
    private final Thread[] threads;
    private final AtomicInteger arrived = new AtomicInteger();
    private volatile int generation;
    private final AtomicInteger run = new AtomicInteger();
    private volatile boolean closed;
    private volatile Step[] steps = {};
    private volatile @Nullable Throwable failure;

    Team(Lane[] lanes) {
        this.lanes = lanes;
        this.threads = new Thread[lanes.length - 1];
        for (int i = 1; i < lanes.length; i++) {
            Lane lane = lanes[i];
            Thread thread = new Thread(() -> serve(lane), "fathom-cpu-lane-" + i);
            thread.setDaemon(true);
            threads[i - 1] = thread;
            thread.start();
        }
    }

    /** Runs {@code work} on all lanes; throws what a lane threw. */
    void run(Step[] work) {
        Blas.singleThreaded();
        if (threads.length == 0) {
            for (Step step : work) {
                step.run(lanes[0]);
            }
            return;
        }
        steps = work;
        failure = null;
        run.incrementAndGet();
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
        work(lanes[0], work);
        Throwable thrown = failure;
        if (thrown != null) {
            throw new IllegalStateException("a lane of the session failed: " + thrown, thrown);
        }
    }

    private void serve(Lane lane) {
        Blas.singleThreaded();
        int done = 0;
        while (!closed) {
            if (run.get() == done) {
                LockSupport.park(this);
                continue;
            }
            done++;
            work(lane, steps);
        }
    }

    // A failed lane must still meet the others, or they would wait for ever.
    private void work(Lane lane, Step[] work) {
        for (Step step : work) {
            if (failure == null) {
                try {
                    step.run(lane);
                } catch (RuntimeException | Error e) {
                    failure = e;
                }
            }
            meet();
        }
    }

    // Yielding is a courtesy to busy neighbours, not what makes it right.
    @SuppressWarnings("ThreadPriorityCheck")
    private void meet() {
        int now = generation;
        if (arrived.incrementAndGet() == lanes.length) {
            arrived.set(0);
            generation = now + 1;
            return;
        }
        for (int i = 0; generation == now; i++) {
            if (i < SPINS) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
        for (Thread thread : threads) {
            boolean interrupted = false;
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
