package io.fathom.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import org.apache.spark.executor.TaskMetrics;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerStageCompleted;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.StageInfo;

/** Where a round's time goes, as Spark's own metrics tell it: each stage's length, and what its tasks did. */
final class StageTimes extends SparkListener {
    private final TreeMap<Integer, long[]> tasks = new TreeMap<>();
    private final List<StageInfo> stages = new ArrayList<>();

    @Override
    public synchronized void onStageCompleted(SparkListenerStageCompleted event) {
        stages.add(event.stageInfo());
    }

    @Override
    public synchronized void onTaskEnd(SparkListenerTaskEnd event) {
        TaskMetrics metrics = event.taskMetrics();
        long[] sums = tasks.computeIfAbsent(event.stageId(), id -> new long[10]);
        sums[0]++;
        sums[1] += event.taskInfo().duration();
        sums[2] += metrics.executorDeserializeTime();
        sums[3] += metrics.executorRunTime();
        sums[4] += metrics.resultSerializationTime();
        sums[5] += metrics.shuffleWriteMetrics().writeTime() / 1_000_000;
        sums[6] += metrics.jvmGCTime();
        sums[7] += metrics.executorCpuTime() / 1_000_000;
        sums[8] += metrics.shuffleReadMetrics().fetchWaitTime();
        sums[9] += metrics.shuffleReadMetrics().remoteBytesRead() >> 20;
    }

    /** The last {@code count} stages, then forgets all. */
    synchronized String last(int count) {
        StringBuilder text = new StringBuilder();
        for (StageInfo stage : stages.subList(Math.max(0, stages.size() - count), stages.size())) {
            long[] sums = tasks.getOrDefault(stage.stageId(), new long[10]);
            text.append(String.format(
                    Locale.ROOT,
                    "    stage %d: %d ms; %d tasks of %d ms together: start %d, run %d (processor %d, shuffle write %d, waiting for"
                            + " the shuffle %d, %d MiB from elsewhere), result %d, collections %d%n",
                    stage.stageId(),
                    (Long) stage.completionTime().get()
                            - (Long) stage.submissionTime().get(),
                    sums[0],
                    sums[1],
                    sums[2],
                    sums[3],
                    sums[7],
                    sums[5],
                    sums[8],
                    sums[9],
                    sums[4],
                    sums[6]));
        }
        stages.clear();
        tasks.clear();
        return text.toString();
    }
}
