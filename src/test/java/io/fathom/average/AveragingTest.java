package io.fathom.average;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AveragingTest {
    private static final int LENGTH = 1000;

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 7, 64})
    void equalWorkersAverageToOneOfThemBitForBit(int workers) {
        float[] values = floats(workers, 1e-30, 1e30);
        WeightedMean mean = new WeightedMean(LENGTH);
        for (int w = 0; w < workers; w++) {
            mean.add(values, 20_480 + w);
        }
        assertThat(mean.mean()).isEqualTo(values);
    }

    @Test
    void theMeanIsTheCorrectlyRoundedOne() {
        float[][] workers = {floats(1, 1e-3, 1e3), floats(2, 1e-3, 1e3), floats(3, 1e-3, 1e3)};
        long[] tokens = {1000, 30_000, 777};
        WeightedMean mean = new WeightedMean(LENGTH);
        for (int w = 0; w < 3; w++) {
            mean.add(workers[w], tokens[w]);
        }
        float[] found = mean.mean();
        for (int i = 0; i < LENGTH; i++) {
            BigDecimal sum = BigDecimal.ZERO;
            for (int w = 0; w < 3; w++) {
                sum = sum.add(BigDecimal.valueOf(tokens[w]).multiply(new BigDecimal(workers[w][i])));
            }
            float expected = sum.divide(BigDecimal.valueOf(31_777), MathContext.DECIMAL128)
                    .floatValue();
            assertThat(Math.abs(Math.subtractExact(Float.floatToIntBits(found[i]), Float.floatToIntBits(expected))))
                    .as("units in the last place at " + i)
                    .isLessThanOrEqualTo(1);
        }
    }

    @Test
    void tokensWeigh() {
        WeightedMean mean = new WeightedMean(2);
        mean.add(new float[] {1, 10}, 1);
        mean.add(new float[] {5, 30}, 3);
        assertThat(mean.mean()).containsExactly(4, 25);
    }

    @Test
    void noWorkersHaveNoMean() {
        assertThatThrownBy(() -> new WeightedMean(2).mean()).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> new WeightedMean(2).add(new float[2], 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new WeightedMean(2).add(new float[1], 1)).isInstanceOf(IllegalArgumentException.class);
    }

    private static Outer.Step step(
            Outer outer, float[] theta, float[] mean, boolean relative, Optional<float[]> velocity) {
        Slices slices = new Slices(theta.length, 3);
        OuterStep step = new OuterStep(outer, theta, velocity, slices, relative);
        for (int slice = slices.count() - 1; slice >= 0; slice--) {
            step.take(slice, Arrays.copyOfRange(mean, slices.from(slice), slices.to(slice)));
        }
        return step.step();
    }

    @Test
    void averageGivesTheMeanItself() {
        float[] theta = floats(4, 1e-3, 1e3);
        float[] mean = floats(5, 1e-3, 1e3);
        Outer.Step step = step(new Outer.Average(), theta, mean, false, Optional.empty());
        assertThat(step.parameters()).isEqualTo(mean);
        assertThat(step.velocity()).isEmpty();
    }

    @Test
    void averageOfChangesAddsThem() {
        float[] changes = {0.5f, -1, 0, 2};
        Outer.Step step = step(new Outer.Average(), new float[] {1, 2, 3, 4}, changes, true, Optional.empty());
        assertThat(step.parameters()).containsExactly(1.5f, 1, 3, 6);
    }

    @Test
    void nesterovByHand() {
        Outer nesterov = new Outer.Nesterov(0.5, 0.5);
        // gradient 2: v = 2, theta = 10 - 0.5 (2 + 1) = 8.5
        Outer.Step first = step(nesterov, new float[] {10}, new float[] {8}, false, Optional.empty());
        assertThat(first.parameters()).containsExactly(8.5f);
        assertThat(first.velocity().orElseThrow()).containsExactly(2);
        // gradient 1: v = 0.5 * 2 + 1 = 2, theta = 8.5 - 0.5 (1 + 1) = 7.5
        Outer.Step second = step(nesterov, first.parameters(), new float[] {-1}, true, first.velocity());
        assertThat(second.parameters()).containsExactly(7.5f);
        assertThat(second.velocity().orElseThrow()).containsExactly(2);
        assertThat(first.velocity().orElseThrow()).as("not written").containsExactly(2);
        assertThat(first.parameters()).as("not written").containsExactly(8.5f);
    }

    @Test
    void nesterovWithRateOneAndNoMomentumIsAverage() {
        float[] theta = floats(6, 0.5, 2);
        float[] mean = floats(7, 0.5, 2);
        Outer.Step step = step(new Outer.Nesterov(1, 0), theta, mean, false, Optional.empty());
        for (int i = 0; i < LENGTH; i++) {
            assertThat(step.parameters()[i]).isCloseTo(mean[i], org.assertj.core.data.Offset.offset(1e-6f));
        }
    }

    @Test
    void theChangeIsTheDistanceToTheMean() {
        for (boolean relative : new boolean[] {false, true}) {
            float[] theta = {1, 2, 3, 4, 5, 6, 7};
            float[] changes = {2, 0, 1, 0, 0, 0, 2};
            float[] mean = relative ? changes : new float[] {3, 2, 4, 4, 5, 6, 9};
            OuterStep step = new OuterStep(new Outer.Average(), theta, Optional.empty(), new Slices(7, 7), relative);
            assertThatThrownBy(step::step)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("slice 0 of 1 is missing");
            step.take(0, mean);
            assertThat(step.change()).isEqualTo(3);
        }
    }

    /**
     * Whatever order contributions come in, whichever stay where they are, the mean is that of adding them in worker
     * order, one of them missing; slices of one task use the same memory in turn.
     */
    @ParameterizedTest
    @ValueSource(strings = {"0134", "4310", "3041"})
    void contributionsAreAddedInWorkerOrder(String order) {
        SliceMean.Room room = new SliceMean.Room(LENGTH);
        for (Set<Integer> staying : List.of(Set.<Integer>of(), Set.of(0, 1, 3, 4), Set.of(0, 3), Set.of(1))) {
            for (int length : new int[] {LENGTH, LENGTH - 77}) {
                WeightedMean inOrder = new WeightedMean(length);
                for (int worker : new int[] {0, 1, 3, 4}) {
                    inOrder.add(floats(20 + worker, 1e-30, 1e30), 1000 + worker);
                }
                SliceMean mean = new SliceMean(new WholeFloats(), 0, length, room);
                byte[] oneForAll = new byte[Contribution.bytes(4 * length)];
                for (int worker : order.chars().map(each -> each - '0').toArray()) {
                    boolean stays = staying.contains(worker);
                    ByteBuffer buffer = Floats.buffer(stays ? new byte[oneForAll.length] : oneForAll);
                    Contribution.begin(worker, 1000 + worker, buffer);
                    float[] values = floats(20 + worker, 1e-30, 1e30);
                    new WholeFloats().encode(new float[length], values, 0, length, buffer);
                    mean.add(Contribution.of(buffer.flip(), stays));
                    assertThat(mean.holds(5)).isFalse();
                }
                assertThat(Arrays.copyOf(mean.mean(), length))
                        .as("%s stay", staying)
                        .isEqualTo(inOrder.mean());
            }
        }
    }

    @Test
    void aMeanHoldsItsWorkersWhetherTheyStayOrNot() {
        for (boolean stays : new boolean[] {true, false}) {
            SliceMean mean = new SliceMean(new WholeFloats(), 0, 1, new SliceMean.Room(1));
            for (int worker : new int[] {1, 2, 0}) {
                assertThat(mean.holds(3)).isFalse();
                ByteBuffer buffer = Floats.buffer(new byte[Contribution.bytes(4)]);
                Contribution.begin(worker, 1, buffer);
                mean.add(Contribution.of(buffer.putFloat(worker).flip(), stays));
            }
            assertThat(mean.holds(3)).isTrue();
            assertThat(mean.mean()).containsExactly(1);
        }
    }

    @Test
    void slicesCoverTheVectorOnce() {
        SplittableRandom random = new SplittableRandom(8);
        for (int trial = 0; trial < 200; trial++) {
            Slices slices = new Slices(random.nextInt(1, 5000), random.nextInt(1, 700));
            int next = 0;
            for (int s = 0; s < slices.count(); s++) {
                assertThat(slices.from(s)).isEqualTo(next);
                assertThat(slices.length(s)).isPositive();
                next = slices.to(s);
            }
            assertThat(next).isEqualTo(slices.size());
        }
    }

    @Test
    void slicesOfTheLargestVectorDoNotOverflow() {
        Slices slices = new Slices(Integer.MAX_VALUE, 1 << 21);
        assertThat(slices.count()).isEqualTo(1024);
        assertThat(slices.to(1023)).isEqualTo(Integer.MAX_VALUE);
    }

    /** Floats of both signs with magnitudes spread evenly over the powers of ten between the bounds. */
    private static float[] floats(long seed, double smallest, double largest) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            double magnitude = Math.exp(random.nextDouble(Math.log(smallest), Math.log(largest)));
            values[i] = (float) (random.nextBoolean() ? magnitude : -magnitude);
        }
        return values;
    }
}
