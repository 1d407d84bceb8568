package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;

class HeapNeedsTest {
    private static final long VECTOR = 400_000_000;
    private static final long BASE = 400L << 20;

    private static final long TASK = 40L << 20;
    private static final long ACTIVATIONS = 1000;

    private static HeapNeeds needs(int slots, String... settings) {
        return HeapNeeds.of(VECTOR / 4, ACTIVATIONS, TinyRun.config(settings).train(), slots, 2, 0.5);
    }

    @Test
    void vectorsAreCountedByHand() {
        // Half of a heap is Spark's, so each vector counts twice, and half again for what is lost between them.
        HeapNeeds average = needs(1, "train.workers", "4");
        assertThat(average.driver()).isEqualTo(3 * 3 * VECTOR + BASE);
        assertThat(average.executor()).isEqualTo(2 * TASK + BASE);
        assertThat(average.local()).isEqualTo(3 * 3 * VECTOR + 2 * TASK + BASE);
        assertThat(average.outside())
                .as("one session and the moments of two workers")
                .isEqualTo(2 * VECTOR + 4 * ACTIVATIONS + 2 * 2 * VECTOR);
        HeapNeeds nesterov = needs(8, "train.workers", "4", "train.outer.kind", "nesterov");
        assertThat(nesterov.driver()).isEqualTo(3 * 5 * VECTOR + BASE);
        assertThat(nesterov.executor()).isEqualTo(2 * 8 * TASK + BASE);
        assertThat(nesterov.outside())
                .as("no more sessions than workers")
                .isEqualTo(2 * (2 * VECTOR + 4 * ACTIVATIONS) + 2 * 2 * VECTOR);
        HeapNeeds shared = needs(1, "train.workers", "4", "train.adamw.moments", "average");
        assertThat(shared.driver()).isEqualTo(3 * 9 * VECTOR + BASE);
        assertThat(shared.outside()).as("one session's").isEqualTo(2 * VECTOR + 4 * ACTIVATIONS + 2 * VECTOR);
    }

    @Test
    void smallModelsAskForNoMoreThanTheyAreLarge() {
        HeapNeeds needs =
                HeapNeeds.of(1000, 0, TinyRun.config("train.workers", "2").train(), 4, 1, 0.5);
        assertThat(needs.executor()).isEqualTo(2 * 4 * (8 + 2) * 4000 + BASE);
    }

    @Test
    void whatCannotFitIsToldBeforeAnythingIsDone() {
        RunConfig config = TinyRun.config();
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            HeapNeeds.check(spark, 1000, 1000, config.train());
            assertThatThrownBy(() -> HeapNeeds.check(spark, 1_000_000_000_000L, 0, config.train()))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("the driver's memory is ")
                    .hasMessageContaining("1,000,000,000,000 parameters")
                    .hasMessageContaining("--driver-memory");
        }
    }

    @Test
    void whatAContainerMustHoldBesideItsHeapIsTold() {
        HeapNeeds needs = needs(1, "train.workers", "4");
        SparkConf conf = new SparkConf(false);
        assertThatThrownBy(() -> needs.requireOverhead(conf, 1L << 30, VECTOR / 4))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("spark.executor.memoryOverhead is 384 MiB")
                .hasMessageContaining("2672 MiB outside")
                .hasMessageContaining("--conf spark.executor.memoryOverhead=3006m");
        needs.requireOverhead(conf.set("spark.executor.memoryOverhead", "3g"), 1L << 30, VECTOR / 4);
    }
}
