package io.fathom.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fathom.config.UserError;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SamplingTest {
    private static final OptionalInt ALL = OptionalInt.empty();
    private static final int DRAWS = 40_000;
    private static final float[] LOGITS = {
        (float) Math.log(0.1), (float) Math.log(0.4), (float) Math.log(0.3), (float) Math.log(0.2)
    };

    private static double[] shares(Sampling sampling, float[] logits) {
        double[] shares = new double[logits.length];
        SplittableRandom random = sampling.random(0);
        for (int i = 0; i < DRAWS; i++) {
            shares[sampling.choose(logits, random)] += 1.0 / DRAWS;
        }
        return shares;
    }

    @Test
    void drawsByProbability() {
        // Standard deviation of a share is at most 0.0025.
        assertThat(shares(new Sampling(1, ALL, 1, 3), LOGITS))
                .containsExactly(new double[] {0.1, 0.4, 0.3, 0.2}, within(0.0125));
    }

    @Test
    void temperatureSharpens() {
        double sum = 0.01 + 0.16 + 0.09 + 0.04;
        assertThat(shares(new Sampling(0.5, ALL, 1, 3), LOGITS))
                .containsExactly(new double[] {0.01 / sum, 0.16 / sum, 0.09 / sum, 0.04 / sum}, within(0.0125));
    }

    @Test
    void topKKeepsTheLikeliest() {
        assertThat(shares(new Sampling(1, OptionalInt.of(2), 1, 3), LOGITS))
                .containsExactly(new double[] {0, 4 / 7.0, 3 / 7.0, 0}, within(0.0125));
    }

    @Test
    void topPKeepsTheFewestThatHoldTheShare() {
        assertThat(shares(new Sampling(1, ALL, 0.6, 3), LOGITS))
                .containsExactly(new double[] {0, 4 / 7.0, 3 / 7.0, 0}, within(0.0125));
        assertThat(shares(new Sampling(1, ALL, 0.3, 3), LOGITS))
                .containsExactly(new double[] {0, 1, 0, 0}, within(1e-9));
    }

    @Test
    void topPCutsWhatTopKLeft() {
        // Of 4/7, 3/7 the first alone holds one half.
        assertThat(shares(new Sampling(1, OptionalInt.of(2), 0.5, 3), LOGITS))
                .containsExactly(new double[] {0, 1, 0, 0}, within(1e-9));
    }

    @Test
    void greedyTakesTheLowerIdOfTwoEqual() {
        SplittableRandom random = new SplittableRandom(1);
        assertThat(Sampling.GREEDY.choose(new float[] {-3, 2, 2, -7}, random)).isEqualTo(1);
        assertThat(Sampling.GREEDY.choose(new float[] {-3, -0.5f, -2, -7}, random))
                .isEqualTo(1);
        assertThat(Sampling.GREEDY.choose(new float[] {-1, -0f, 0f}, random)).isEqualTo(1);
    }

    @Test
    void theLikeliestOfALargeVocabularyAreThoseOfTheSortedOne() {
        SplittableRandom random = new SplittableRandom(4);
        float[] logits = new float[5000];
        for (int i = 0; i < logits.length; i++) {
            // Many ties, of both signs.
            logits[i] = random.nextInt(-300, 300) / 8f;
        }
        List<Integer> sorted = IntStream.range(0, logits.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -logits[i]))
                .toList();
        Set<Integer> drawn = new HashSet<>();
        Sampling sampling = new Sampling(1e6, OptionalInt.of(20), 1, 3);
        for (int i = 0; i < 2000; i++) {
            drawn.add(sampling.choose(logits, random));
        }
        assertThat(drawn).containsExactlyInAnyOrderElementsOf(sorted.subList(0, 20));
    }

    @Test
    void refusesWhatIsNoDistribution() {
        assertThatThrownBy(() -> new Sampling(-1, ALL, 1, 0)).hasMessageContaining("temperature = -1.0: must be >= 0");
        assertThatThrownBy(() -> new Sampling(1, OptionalInt.of(0), 1, 0)).hasMessageContaining("top-k = 0");
        assertThatThrownBy(() -> new Sampling(1, ALL, 0, 0)).hasMessageContaining("top-p = 0.0");
        assertThatThrownBy(() -> Sampling.GREEDY.choose(new float[] {1, Float.NaN}, new SplittableRandom(1)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("not numbers");
    }
}
