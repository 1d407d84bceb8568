package io.fathom.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class LearningRateTest {
    private final LearningRate rate = new LearningRate(1e-3, 1e-4, 10, 110);

    @Test
    void warmsUpInALine() {
        assertThat(rate.at(1)).isEqualTo(1e-4, within(1e-18));
        assertThat(rate.at(5)).isEqualTo(5e-4, within(1e-18));
        assertThat(rate.at(10)).isEqualTo(1e-3);
    }

    @Test
    void fallsAsHalfACosine() {
        assertThat(rate.at(60)).as("half way").isEqualTo(5.5e-4, within(1e-12));
        assertThat(rate.at(35)).as("a quarter").isEqualTo(1e-4 + 9e-4 * (1 + Math.sqrt(0.5)) / 2, within(1e-12));
        assertThat(rate.at(110)).isEqualTo(1e-4);
        assertThat(rate.at(500)).isEqualTo(1e-4);
        for (long step = 11; step < 110; step++) {
            assertThat(rate.at(step + 1)).isLessThan(rate.at(step));
        }
    }

    @Test
    void aRunShorterThanItsWarmUpNeverLeavesIt() {
        assertThat(new LearningRate(1, 0, 100, 10).at(10)).isEqualTo(0.1, within(1e-15));
    }

    @Test
    void withoutWarmUpItStartsNearThePeak() {
        assertThat(new LearningRate(1, 0, 0, 100).at(1)).isBetween(0.999, 1.0);
    }

    @Test
    void refusesNonsense() {
        assertThatThrownBy(() -> new LearningRate(1e-4, 1e-3, 0, 1)).hasMessageContaining("floor <= peak");
        assertThatThrownBy(() -> new LearningRate(1e-3, 0, -1, 1)).hasMessageContaining("warmupSteps");
    }
}
