package io.fathom.cluster;

import io.fathom.config.UserError;
import java.io.PrintStream;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.apache.spark.SparkJobInfo;
import org.apache.spark.SparkStageInfo;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.JavaSparkStatusTracker;

/**
 * How far a long pass over data is: waits for Spark jobs and tells every few seconds which share of their tasks is done
 * and when the rest will be. On a terminal one line renews itself.
 */
public final class PassProgress {
    private static final long POLL_MILLIS = 250;
    private static final long FIRST_MILLIS = 2_000;
    private static final long INTERVAL_MILLIS = 5_000;
    private static final long CANCEL_MILLIS = 10_000;

    private final String name;
    private final PrintStream out;
    private final boolean terminal;

    /**
     * @param name of the job, at the beginning of each line
     * @param terminal whether {@code out} is a terminal
     */
    public PassProgress(String name, PrintStream out, boolean terminal) {
        this.name = name;
        this.out = out;
        this.terminal = terminal;
    }

    /** On standard output. */
    @SuppressWarnings("SystemConsoleNull") // this build is for JDK 17, where null means redirected
    public static PassProgress standard(String name) {
        return new PassProgress(name, System.out, System.console() != null);
    }

    /** Tells nobody. */
    public static PassProgress silent() {
        return new PassProgress("", new PrintStream(PrintStream.nullOutputStream()), false);
    }

    /** Prints a line about something the user should know. */
    public void say(String line) {
        out.println(line);
    }

    /** The result of {@code job}, which is doing {@code what}. */
    public <T> T await(JavaSparkContext spark, String what, JavaFutureAction<T> job) throws InterruptedException {
        return await(spark, what, job, Optional::empty);
    }

    /**
     * The result of {@code job}, which is doing {@code what}; cancels it as soon as there is a {@code mistake} of the
     * user, and throws that.
     */
    public <T> T await(
            JavaSparkContext spark, String what, JavaFutureAction<T> job, Supplier<Optional<UserError>> mistake)
            throws InterruptedException {
        long begun = System.nanoTime();
        long next = FIRST_MILLIS;
        boolean shown = false;
        try {
            while (true) {
                try {
                    return job.get(POLL_MILLIS, TimeUnit.MILLISECONDS);
                } catch (TimeoutException e) {
                    Optional<UserError> found = mistake.get();
                    if (found.isPresent()) {
                        cancel(job);
                        RunningTasks.awaitEnd(spark, job.jobIds());
                        throw found.get();
                    }
                }
                long elapsed = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
                if (elapsed >= next) {
                    show(line(what, Tasks.of(spark.statusTracker(), job), elapsed / 1000.0));
                    shown = true;
                    next = elapsed + (terminal ? POLL_MILLIS : INTERVAL_MILLIS);
                }
            }
        } catch (ExecutionException e) {
            if (spark.sc().isStopped()) {
                throw new StoppedException(what + " was stopped before its end and left nothing behind: run it again");
            }
            RunningTasks.awaitEnd(spark, job.jobIds());
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IllegalStateException(what + " failed: " + cause.getMessage(), cause);
        } finally {
            if (shown && terminal) {
                out.println();
            }
        }
    }

    /** Cancels a job, and waits until Spark starts no more tasks of it. */
    private static void cancel(JavaFutureAction<?> job) throws InterruptedException {
        job.cancel(true);
        try {
            job.get(CANCEL_MILLIS, TimeUnit.MILLISECONDS);
        } catch (CancellationException | ExecutionException | TimeoutException e) {
            // As it was told to; how it ended is of no interest.
        }
    }

    private void show(String line) {
        if (terminal) {
            out.print("\r" + line + "\u001b[K");
            out.flush();
        } else {
            out.println(line);
        }
    }

    private String line(String what, Tasks tasks, double elapsedSeconds) {
        String left = tasks.done == 0
                ? "unknown"
                : ConsoleProgress.duration(elapsedSeconds * (tasks.all - tasks.done) / tasks.done);
        return String.format(
                Locale.ROOT,
                "%s  %s  %d/%d tasks (%d%%)  %s  ETA %s",
                name,
                what,
                tasks.done,
                tasks.all,
                tasks.all == 0 ? 0 : 100 * tasks.done / tasks.all,
                ConsoleProgress.duration(elapsedSeconds),
                left);
    }

    private record Tasks(int done, int all) {
        static Tasks of(JavaSparkStatusTracker tracker, JavaFutureAction<?> action) {
            int done = 0;
            int all = 0;
            for (int jobId : action.jobIds()) {
                SparkJobInfo job = tracker.getJobInfo(jobId);
                for (int stageId : job == null ? new int[0] : job.stageIds()) {
                    SparkStageInfo stage = tracker.getStageInfo(stageId);
                    if (stage != null) {
                        done += stage.numCompletedTasks();
                        all += stage.numTasks();
                    }
                }
            }
            return new Tasks(done, all);
        }
    }
}
