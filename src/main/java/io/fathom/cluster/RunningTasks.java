package io.fathom.cluster;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.JobExecutionStatus;
import org.apache.spark.SparkJobInfo;
import org.apache.spark.SparkStageInfo;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.JavaSparkStatusTracker;

/**
 * Tasks that go on after their job has failed. A job ends before the tasks it gave up do: until then they may write
 * where the caller clears up.
 */
final class RunningTasks {
    private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private RunningTasks() {}

    /** Waits, for some seconds at most, until no task of {@code jobs}, which have ended, runs. */
    static void awaitEnd(JavaSparkContext spark, List<Integer> jobs) {
        JavaSparkStatusTracker tracker = spark.statusTracker();
        long end = System.nanoTime() + MOST_NANOS;
        while (!spark.sc().isStopped()
                && System.nanoTime() < end
                && !Thread.currentThread().isInterrupted()
                && jobs.stream().anyMatch(job -> mayHaveTasks(tracker, job))) {
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    /**
     * Whether tasks of a job may run. The tracker learns of everything in its order and a little later: what it says of
     * stages holds once it knows that the job has ended.
     */
    private static boolean mayHaveTasks(JavaSparkStatusTracker tracker, int id) {
        SparkJobInfo job = tracker.getJobInfo(id);
        return job == null
                || job.status() == JobExecutionStatus.RUNNING
                || Arrays.stream(job.stageIds()).mapToObj(tracker::getStageInfo).anyMatch(RunningTasks::hasTasks);
    }

    private static boolean hasTasks(SparkStageInfo stage) {
        return stage != null && stage.numActiveTasks() > 0;
    }
}
