package io.fathom.cluster;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.util.ShutdownHookManager;

/**
 * Ctrl-C and SIGTERM while training: the round at hand may end and be saved, and if that takes too long it is given up.
 *
 * <p>The hook runs before Spark's own, which would stop the executors at once; the process then ends with the signal's
 * exit code, 130 or 143.
 */
final class Interruption implements AutoCloseable {
    /** Hadoop runs hooks of higher priority first; Spark's is 40. */
    private static final int BEFORE_SPARK = 100;

    private static final int GRACE_SECONDS = 20;
    private static final int GIVE_UP_SECONDS = 10;

    private final Runnable giveUp;
    private final Runnable hook = this::interrupted;
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean requested;

    /** @param giveUp cancels the round at hand */
    Interruption(Runnable giveUp) {
        this.giveUp = giveUp;
        ShutdownHookManager.get()
                .addShutdownHook(hook, BEFORE_SPARK, GRACE_SECONDS + 2L * GIVE_UP_SECONDS, TimeUnit.SECONDS);
    }

    /** Whether to stop. */
    boolean requested() {
        return requested;
    }

    private void interrupted() {
        requested = true;
        try {
            if (!ended.await(GRACE_SECONDS, TimeUnit.SECONDS)) {
                giveUp.run();
                if (!ended.await(GIVE_UP_SECONDS, TimeUnit.SECONDS)) {
                    System.err.println("training did not end in time; the last complete checkpoint is intact");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        ended.countDown();
        if (!requested) {
            ShutdownHookManager.get().removeShutdownHook(hook);
        }
    }
}
