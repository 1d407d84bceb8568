package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;

class HeapNeedsTest {
    private static final long VECTOR = 400_000_000;
    private static final long BASE = 400L << 20;

    private static HeapNeeds needs(int slots, String... settings) {
        return HeapNeeds.of(VECTOR / 4, TinyRun.config(settings).train(), slots, 0.5);
    }

    @Test
    void vectorsAreCountedByHand() {
        // Half of a heap is Spark's, so each vector counts twice.
        HeapNeeds average = needs(1, "train.workers", "4");
        assertThat(average.driver()).isEqualTo(2 * 4 * VECTOR + BASE);
        assertThat(average.executor()).isEqualTo(2 * 3 * VECTOR + BASE);
        assertThat(average.local())
                .as("means are collected when training is over")
                .isEqualTo(2 * 4 * VECTOR + BASE);
        assertThat(needs(2, "train.workers", "4").local()).isEqualTo(2 * 7 * VECTOR + BASE);
        HeapNeeds nesterov = needs(8, "train.workers", "4", "train.outer.kind", "nesterov");
        assertThat(nesterov.driver()).isEqualTo(2 * 6 * VECTOR + BASE);
        assertThat(nesterov.executor()).as("no more than there are workers").isEqualTo(2 * 12 * VECTOR + BASE);
        assertThat(needs(1, "train.adamw.moments", "reset").executor()).isEqualTo(2 * VECTOR + BASE);
        HeapNeeds shared = needs(1, "train.adamw.moments", "average");
        assertThat(shared.driver()).isEqualTo(2 * 10 * VECTOR + BASE);
        assertThat(shared.executor()).isEqualTo(2 * 3 * VECTOR + BASE);
    }

    @Test
    void whatCannotFitIsToldBeforeAnythingIsDone() {
        RunConfig config = TinyRun.config();
        try (JavaSparkContext spark = TinyRun.spark("local[2]")) {
            HeapNeeds.check(spark, 1000, config.train());
            assertThatThrownBy(() -> HeapNeeds.check(spark, 1_000_000_000_000L, config.train()))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("the driver's memory is ")
                    .hasMessageContaining("1,000,000,000,000 parameters")
                    .hasMessageContaining("--driver-memory");
        }
    }
}
