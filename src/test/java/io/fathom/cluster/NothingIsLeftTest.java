package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.config.RunConfig;
import io.fathom.model.ParameterLayout;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import scala.Tuple2;

/**
 * Rounds leave neither broadcasts nor shuffled slices behind, and nothing in Spark's cache but where each worker is.
 */
class NothingIsLeftTest {
    private static final int ROUNDS = 24;

    @TempDir
    Path directory;

    @Test
    void whatSparkHoldsIsTheSameAfterEveryCheckpoint() {
        RunConfig config = TinyRun.config(
                "train.rounds", Integer.toString(ROUNDS),
                "train.checkpoint.everyRounds", "4",
                "train.validation.everyRounds", "4");
        long vector = 4L * ParameterLayout.of(TinyRun.spec(config)).size();
        Path scratch = directory.resolve("scratch");
        try (JavaSparkContext spark = TinyRun.spark("local[2]", "spark.local.dir", scratch.toString())) {
            long before = held(spark);
            List<Integer> cached = new ArrayList<>();
            Progress each = new Progress() {
                @Override
                public void round(RoundMetrics metrics, int rounds, double secondsLeft) {
                    if (metrics.round() % 4 == 0) {
                        cached.add(spark.getPersistentRDDs().size());
                        awaitNothing(spark, scratch, before + vector);
                    }
                }

                @Override
                public void say(String line) {}
            };
            TinyRun.train(spark, config, directory.resolve("run").toString(), false, each);
            assertThat(cached).hasSize(ROUNDS / 4).containsOnly(1);
            assertThat(spark.getPersistentRDDs()).isEmpty();
        }
    }

    /** Spark removes blocks and files a moment after it is told to, and its own task binaries after a collection. */
    private static void awaitNothing(JavaSparkContext spark, Path scratch, long most) {
        Awaitility.await()
                .atMost(120, TimeUnit.SECONDS)
                .pollInterval(20, TimeUnit.MILLISECONDS)
                // A file that goes while its folder is walked.
                .ignoreException(UncheckedIOException.class)
                .untilAsserted(() -> {
                    System.gc();
                    assertThat(shuffleFiles(scratch)).isZero();
                    assertThat(held(spark)).isLessThan(most);
                });
    }

    /** Bytes of all blocks, cached or broadcast. */
    private static long held(JavaSparkContext spark) {
        Tuple2<Object, Object> memory =
                spark.sc().getExecutorMemoryStatus().values().head();
        return (Long) memory._1() - (Long) memory._2();
    }

    private static long shuffleFiles(Path scratch) {
        if (!Files.exists(scratch)) {
            return 0;
        }
        try (Stream<Path> files = Files.walk(scratch)) {
            return files.filter(file -> file.getFileName().toString().startsWith("shuffle_"))
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
