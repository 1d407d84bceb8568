package io.fathom.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where the numbers of a pass lie. */
class PassLayoutTest {
    @ParameterizedTest
    @CsvSource({"1, 1, 3", "5, 2, 0", "9, 9, 1", "1024, 64, 6"})
    void noTwoNumbersShareAPlace(int rows, int heads, int routed) {
        PassLayout layout = PassLayout.of(rows, heads, false, true, routed, 7);
        Set<Integer> in = new HashSet<>();
        int placed = 2;
        in.add(0);
        in.add(1);
        for (int row = 0; row < rows; row++) {
            in.add(layout.memory(row));
            in.add(layout.memory(row) + 1);
            assertThat(layout.memory(row) % 2).isZero();
            in.add(layout.token(row));
            in.add(layout.position(row));
            in.add(layout.first(row));
            placed += 5;
            for (int index = 0; index < routed; index++, placed++) {
                in.add(layout.before(index, row));
            }
        }
        for (int head = 0; head < heads; head++, placed += 2) {
            in.add(layout.head(head));
            in.add(layout.target(head));
        }
        for (int index = 0; index < routed; index++, placed++) {
            in.add(layout.threshold(index));
        }
        assertThat(in).hasSize(placed).allMatch(at -> 4L * at < layout.inputBytes());

        Set<Long> out = new HashSet<>();
        placed = 0;
        for (int index = 0; index < routed; index++) {
            for (int row = 0; row < rows; row++, placed += 2) {
                out.add((long) layout.entered(index, row));
                out.add((long) layout.signal(index, row));
            }
        }
        for (int head = 0; head < heads; head++) {
            for (int v = 0; v < 7; v++, placed++) {
                out.add(layout.logits(head) + v);
            }
        }
        assertThat(out).hasSize(placed).allMatch(at -> 4 * at < layout.outputBytes());
    }

    @Test
    void lossesComeBackAndTheirLogitsDoNot() {
        PassLayout layout = PassLayout.of(200, 200, true, false, 2, 1000);
        assertThat(layout.loss(199)).isLessThan((int) layout.logits(0));
        assertThat(layout.outputBytes()).isEqualTo(4 * layout.logits(0));
        assertThat(layout.deviceOutputBytes()).isEqualTo(layout.outputBytes() + 4L * 256 * 1000);
    }

    @Test
    void rowsBeyondAPassAreRefused() {
        assertThatThrownBy(() -> PassLayout.of(1025, 0, false, false, 0, 10)).hasMessageContaining("at most 1024");
    }

    @ParameterizedTest
    @CsvSource({"0", "0.1", "-0.1", "1.7976931348623157E308", "-1e300", "1e-60", "-1e-60"})
    void aFloatExceedsTheThresholdOrNeither(double threshold) {
        float below = CudaReader.below(threshold);
        for (float x : new float[] {below, Math.nextUp(below), Math.nextDown(below), 0, 1, -1}) {
            assertThat(x > below).isEqualTo(x > threshold);
        }
    }
}
