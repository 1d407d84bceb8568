package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.config.RunConfig;
import io.fathom.model.ParameterLayout;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.api.java.JavaSparkContext;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A long run holds no more at its end than at its beginning. */
class ManyRoundsTest {
    private static final int ROUNDS = 500;
    private static final int EARLY = 100;

    @TempDir
    Path directory;

    /** Spark keeps a history of jobs for its UI, up to a bound; here the bound is low, so that it is reached early. */
    @Test
    void memoryIsFlatOverFiveHundredRounds() {
        RunConfig config = TinyRun.config(
                "model.width", "64",
                "train.rounds", Integer.toString(ROUNDS),
                "train.localSteps", "1",
                "train.checkpoint.everyRounds", "20",
                "train.validation.everyRounds", "50");
        long vector = 4L * ParameterLayout.of(TinyRun.spec(config)).size();
        List<Long> early = new ArrayList<>();
        List<Long> direct = new ArrayList<>();
        Progress each = new Progress() {
            @Override
            public void round(RoundMetrics metrics, int rounds, double secondsLeft) {
                if (metrics.round() == EARLY) {
                    early.add(leastLiveBytes());
                    direct.add(directBytes());
                }
                if (metrics.round() == ROUNDS) {
                    // What Spark lets go of in its own time goes at last; what rounds leave never does.
                    Awaitility.await()
                            .atMost(60, TimeUnit.SECONDS)
                            .untilAsserted(() -> assertThat(liveBytes() - early.get(0))
                                    .as("bytes 400 rounds left, each of which sent %d down and twice that up", vector)
                                    .isLessThan(10 * vector));
                    assertThat(ExecutorSessions.ofThisProcess().idleCount())
                            .as("memory outside of the heap")
                            .isLessThanOrEqualTo(4);
                    assertThat(ResidentMoments.ofThisProcess().count()).isEqualTo(2);
                    // What both workers give lies there, and each round's in the same chunks as the one's before.
                    assertThat(direct.get(0)).isGreaterThanOrEqualTo(2 * vector);
                    assertThat(directBytes()).isLessThan(direct.get(0) + Handover.Memory.CHUNK);
                }
            }

            @Override
            public void say(String line) {}
        };
        try (JavaSparkContext spark = TinyRun.spark(
                "local[2]",
                "spark.ui.retainedJobs",
                "10",
                "spark.ui.retainedStages",
                "10",
                "spark.ui.retainedTasks",
                "20")) {
            TinyRun.train(spark, config, directory.toString(), false, each);
        }
        assertThat(early).hasSize(1);
        assertThat(TinyRun.newest(directory).round()).isEqualTo(ROUNDS);
    }

    /** Bytes of live objects, when Spark has let go of what it was told to. */
    private static long leastLiveBytes() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 10; i++) {
            least = Math.min(least, liveBytes());
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
        return least;
    }

    private static long directBytes() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }

    private static long liveBytes() {
        System.gc();
        Runtime java = Runtime.getRuntime();
        return java.totalMemory() - java.freeMemory();
    }
}
