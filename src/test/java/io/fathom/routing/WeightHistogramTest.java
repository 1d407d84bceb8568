package io.fathom.routing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class WeightHistogramTest {
    private static double[] values(long seed, int count, double scale) {
        SplittableRandom random = new SplittableRandom(seed);
        return random.doubles(count).map(x -> (x - 0.3) * scale).toArray();
    }

    private static WeightHistogram of(double... values) {
        WeightHistogram histogram = new WeightHistogram();
        for (double value : values) {
            histogram.add(value, value > 0.5);
        }
        return histogram;
    }

    @Test
    void countsEachValueInItsBin() {
        double[] values = values(1, 5000, 7);
        List<WeightHistogram.Bin> bins = of(values).bins(30);
        assertThat(bins).hasSizeBetween(15, 30);
        for (WeightHistogram.Bin bin : bins) {
            long selected = 0;
            long bypassed = 0;
            for (double value : values) {
                if (value >= bin.lower() && value < bin.upper()) {
                    selected += value > 0.5 ? 1 : 0;
                    bypassed += value > 0.5 ? 0 : 1;
                }
            }
            assertThat(bin.selected()).isEqualTo(selected);
            assertThat(bin.bypassed()).isEqualTo(bypassed);
        }
        assertThat(bins.stream()
                        .mapToLong(bin -> bin.selected() + bin.bypassed())
                        .sum())
                .isEqualTo(5000);
    }

    @Test
    void partsOfDifferentRangesMergeInAnyOrder() {
        double[] narrow = values(2, 300, 1e-5);
        double[] middle = values(3, 300, 3);
        double[] wide = values(4, 300, 5e4);
        double[] all = new double[900];
        System.arraycopy(narrow, 0, all, 0, 300);
        System.arraycopy(middle, 0, all, 300, 300);
        System.arraycopy(wide, 0, all, 600, 300);
        WeightHistogram up = of(narrow);
        up.merge(of(middle));
        up.merge(of(wide));
        WeightHistogram down = of(wide);
        down.merge(of());
        down.merge(of(middle));
        down.merge(of(narrow));
        assertThat(up.bins(50)).isEqualTo(of(all).bins(50)).isEqualTo(down.bins(50));
    }

    @Test
    void aSingleValueHasASingleBin() {
        List<WeightHistogram.Bin> bins = of(-3.7, -3.7).bins(8);
        assertThat(bins).hasSize(1);
        assertThat(bins.get(0).lower()).isLessThanOrEqualTo(-3.7);
        assertThat(bins.get(0).upper()).isGreaterThan(-3.7);
        assertThat(bins.get(0).bypassed()).isEqualTo(2);
    }
}
