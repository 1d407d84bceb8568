package io.fathom.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ParameterLayoutTest {
    private static final ParameterLayout LAYOUT = ParameterLayout.of(
            new ModelSpec(11, 8, 6, 2, 3, new Routing.ExpertChoice(2, 1, 0.5, Gate.SIGMOID, 0.01, true)));

    /** Every tensor that a range touches is found, and one more at most, of which it touches only the padding. */
    @Test
    void aRangeFindsItsTensors() {
        SplittableRandom random = new SplittableRandom(1);
        for (int trial = 0; trial < 2000; trial++) {
            int from = trial % 3 == 0 ? start(random) : random.nextInt(LAYOUT.size());
            int to = trial % 5 == 0 ? LAYOUT.size() : random.nextInt(from, LAYOUT.size()) + 1;
            List<Tensor> touched = LAYOUT.tensors().stream()
                    .filter(t -> t.offset() < to && t.offset() + t.length() > from)
                    .toList();
            List<Tensor> found = LAYOUT.tensors(from, to);
            assertThat(found).containsAll(touched).hasSizeLessThanOrEqualTo(touched.size() + 1);
            assertThat(LAYOUT.tensors()).containsSubsequence(found);
        }
    }

    private static int start(SplittableRandom random) {
        return LAYOUT.tensors().get(random.nextInt(LAYOUT.tensors().size())).offset();
    }
}
