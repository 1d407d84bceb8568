package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.checkpoint.CheckpointStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.util.ShutdownHookManager;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that is told to stop at the worst moment. */
class StoppedRunTest {
    private static final int SIGTERM = 15;

    @TempDir
    Path directory;

    /** The round at hand had been found not to be saved when the signal came: it is for the next one to be. */
    @Test
    void aSignalAfterARoundWasPassedOverSavesTheNext() throws Exception {
        Process driver = Processes.start(
                directory, Driver.class, List.of(directory.resolve("run").toString()));
        boolean ended = driver.waitFor(5, TimeUnit.MINUTES);
        driver.destroyForcibly().waitFor();
        assertThat(ended).isTrue();
        assertThat(driver.exitValue()).isEqualTo(128 + SIGTERM);
        List<Integer> saved = new CheckpointStore(
                        new Configuration(), directory.resolve("run").toString())
                .list();
        assertThat(saved).hasSize(1);
        assertThat(Files.readAllLines(directory.resolve("run/metrics.jsonl")))
                .hasSizeGreaterThan(2)
                .hasSize(saved.get(0));
    }

    /** A driver that is told to stop while it shows its second round. */
    static final class Driver {
        private Driver() {}

        public static void main(String[] arguments) {
            Progress stopping = new Progress() {
                @Override
                public void round(RoundMetrics metrics, int rounds, double secondsLeft) {
                    if (metrics.round() == 2) {
                        terminateThisOne();
                    }
                }

                @Override
                public void say(String line) {}
            };
            try (JavaSparkContext spark = TinyRun.spark("local[1]")) {
                TinyRun.train(
                        spark,
                        TinyRun.config("train.rounds", "1000", "train.checkpoint.everyRounds", "100"),
                        arguments[0],
                        false,
                        stopping);
            } catch (StoppedException e) {
                System.exit(0); // which waits for the signal to end the process
            }
        }

        private static void terminateThisOne() {
            try {
                new ProcessBuilder("kill", Long.toString(ProcessHandle.current().pid()))
                        .start()
                        .waitFor();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            while (!ShutdownHookManager.get().isShutdownInProgress()) {
                Thread.onSpinWait();
            }
            // Training's own hook is the first of all.
            LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
        }
    }
}
