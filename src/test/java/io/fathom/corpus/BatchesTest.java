package io.fathom.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.UserError;
import io.fathom.model.Batch;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class BatchesTest {
    /** Token i of the split is i, so a window tells where it lies. */
    private record Counting(long tokens) implements TokenSplit {
        @Override
        public String name() {
            return "the counting split";
        }

        @Override
        public double bytesPerToken() {
            return 1;
        }

        @Override
        public int[] read(long from, int count) {
            return IntStream.range((int) from, (int) from + count).toArray();
        }
    }

    @Test
    void workersTogetherSeeEveryWindowOnceAnEpoch() {
        int length = 4;
        int workers = 3;
        int batch = 2;
        TokenSplit split = new Counting(20L * workers * batch * length + 1);
        Batches batches = new Batches(split, batch, length, 99, workers);
        for (int epoch = 0; epoch < 3; epoch++) {
            Set<Integer> seen = new HashSet<>();
            for (int worker = 0; worker < workers; worker++) {
                for (long step = epoch * 20L; step < (epoch + 1) * 20L; step++) {
                    Batch next = batches.batch(worker, step);
                    for (int b = 0; b < batch; b++) {
                        assertThat(seen.add(next.tokens()[b * length])).isTrue();
                    }
                    assertThat(next.targets())
                            .isEqualTo(Arrays.stream(next.tokens())
                                    .map(token -> token + 1)
                                    .toArray());
                }
            }
            assertThat(seen).hasSize((int) split.windows(length));
        }
    }

    @Test
    void epochsAndSeedsAreShuffledDifferently() {
        TokenSplit split = new Counting(1001);
        int[] first = new Batches(split, 100, 10, 1, 1).batch(0, 0).tokens();

        assertThat(new Batches(split, 100, 10, 1, 1).batch(0, 0).tokens()).isEqualTo(first);
        assertThat(new Batches(split, 100, 10, 1, 1).batch(0, 1).tokens()).isNotEqualTo(first);
        assertThat(new Batches(split, 100, 10, 2, 1).batch(0, 0).tokens()).isNotEqualTo(first);
    }

    @Test
    void splitSmallerThanAWindowIsNamed() {
        assertThatThrownBy(() -> new Batches(new Counting(10), 1, 10, 1, 1))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("holds 10 tokens")
                .hasMessageContaining("needs 11");
    }

    @Test
    void permutationIsOneForEverySizeAndKey() {
        for (long size : new long[] {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1000, 4096, 4097}) {
            for (long key = 0; key < 5; key++) {
                Permutation order = new Permutation(size, key);
                assertThat(LongStream.range(0, size).map(order::at).sorted().toArray())
                        .isEqualTo(LongStream.range(0, size).toArray());
            }
        }
    }

    @Test
    void permutationSpreadsEvenly() {
        // Chi-squared of where index 0..9 of 10 land over 20,000 keys; 81 degrees of freedom, 99.99 % point 136.
        int[][] counts = new int[10][10];
        int keys = 20_000;
        for (int key = 0; key < keys; key++) {
            Permutation order = new Permutation(10, Permutation.mix(key));
            for (int i = 0; i < 10; i++) {
                counts[i][(int) order.at(i)]++;
            }
        }
        double expected = keys / 10.0;
        double chiSquared = Arrays.stream(counts)
                .flatMapToInt(Arrays::stream)
                .mapToDouble(count -> (count - expected) * (count - expected) / expected)
                .sum();
        assertThat(chiSquared).isLessThan(136);
    }
}
