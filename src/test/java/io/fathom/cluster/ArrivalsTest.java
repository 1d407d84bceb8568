package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.config.RunConfig;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArrivalsTest {
    @TempDir
    Path directory;

    private final List<Integer> taken = new CopyOnWriteArrayList<>();

    private static boolean arrived(String round, int... numbers) {
        return Boolean.TRUE.equals(Arrivals.receive(new Dispatch.Inquiry(round, numbers)));
    }

    @Test
    void onlyTheRoundAtHandTakesAndItSaysWhatIsThere() {
        Arrivals arrivals = new Arrivals((number, bytes) -> taken.add(number));
        String round = arrivals.round();
        try (arrivals) {
            assertThat(Arrivals.receive(new Dispatch.Mean(round, 2, new byte[4])))
                    .isNull();
            Arrivals.receive(new Dispatch.Mean("another", 1, new byte[4]));
            assertThat(arrived(round, 2)).isTrue();
            assertThat(arrived(round, 1, 2)).as("one was lost").isFalse();
            assertThat(arrived("another", 1)).isFalse();
            arrivals.take(1, new byte[4]);
            assertThat(arrived(round, 1, 2)).isTrue();
        }
        Arrivals.receive(new Dispatch.Mean(round, 0, new byte[4]));
        arrivals.take(0, new byte[4]);
        assertThat(arrived(round, 1)).as("an attempt that comes too late").isFalse();
        assertThat(taken).containsExactly(2, 1);
        assertThatThrownBy(() -> Arrivals.receive("something else")).isInstanceOf(IllegalArgumentException.class);
    }

    /** A mean that its round refuses has not arrived: the task that sent it must fail. */
    @Test
    void whatCannotBeTakenHasNotArrived() {
        try (Arrivals arrivals = new Arrivals((number, bytes) -> {
            if (bytes.length < 4) {
                throw new IllegalStateException("too short");
            }
        })) {
            arrivals.take(0, new byte[3]);
            assertThat(arrived(arrivals.round(), 0)).isFalse();
            assertThatThrownBy(arrivals::await).hasRootCauseMessage("too short");
            arrivals.take(0, new byte[4]);
            assertThat(arrived(arrivals.round(), 0)).as("from another attempt").isTrue();
        }
    }

    @Test
    void meansAreTheSameWithAndWithoutThePlugin() {
        Checkpoint without = trained("without");
        Checkpoint with = trained("with", "spark.plugins", FathomPlugin.class.getName());
        assertThat(with.parameters()).isEqualTo(without.parameters());
        assertThat(with.moments().orElseThrow().second())
                .isEqualTo(without.moments().orElseThrow().second());
    }

    private Checkpoint trained(String name, String... settings) {
        RunConfig config = TinyRun.config(
                "train.workers", "3", "train.rounds", "3", "train.adamw.moments", "average", "train.encoding", "int8");
        try (JavaSparkContext spark = TinyRun.spark("local[2]", settings)) {
            assertThat(FathomPlugin.toDriver().isPresent()).isEqualTo(settings.length > 0);
            TinyRun.train(spark, config, directory.resolve(name), false);
        }
        assertThat(FathomPlugin.toDriver()).isEmpty();
        return TinyRun.newest(directory.resolve(name));
    }
}
