package io.fathom.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScaleTest {
    @Test
    void linearTicksAreRoundAndInside() {
        Scale scale = Scale.linear(1.37, 5.6, 100, 0);
        assertThat(scale.ticks(6)).containsExactly(2.0, 3.0, 4.0, 5.0);
        assertThat(scale.at(1.37)).isEqualTo(100);
        assertThat(scale.at(5.6)).isCloseTo(0, within(1e-9));
        assertThat(Scale.linear(0, 1, 0, 1).ticks(5)).hasSize(6);
        assertThat(Scale.roundUp(0.43, 5)).isCloseTo(0.5, within(1e-12));
    }

    @Test
    void logarithmicTicksArePowersOfTen() {
        Scale scale = Scale.logarithmic(0.5, 2000, 0, 1);
        assertThat(scale.ticks(9)).containsExactly(1.0, 10.0, 100.0, 1000.0);
        assertThat(scale.at(Math.sqrt(0.5 * 2000))).isCloseTo(0.5, within(1e-12));
    }

    @ParameterizedTest
    @CsvSource({"0,0", "12.5,12.5", "999.6,1 k", "1234,1.23 k", "1.5e12,1.5 T", "-2500000,-2.5 M", "0.034,0.03"})
    void siPrefixes(double value, String text) {
        assertThat(Numbers.si(value)).isEqualTo(text.replace(' ', '\u00a0'));
    }
}
