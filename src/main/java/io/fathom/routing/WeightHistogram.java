package io.fathom.routing;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * Counts of real numbers of any size, split into two sides, in bins whose width is a power of two.
 *
 * <p>The width doubles, neighbours merging, whenever a value would fall outside. It is therefore the least width that
 * holds every value: the result is exact and depends neither on the order of the values nor on how they were cut into
 * parts.
 */
final class WeightHistogram implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final int HALF = 1024;
    private static final int FINEST = -20;

    private int exponent = FINEST;
    private long[][] counts = new long[2][2 * HALF];

    /** Values in [lower, upper). */
    record Bin(double lower, double upper, long selected, long bypassed) {}

    void add(double value, boolean selected) {
        while (outside(value)) {
            coarsen();
        }
        counts[selected ? 0 : 1][bin(value) + HALF]++;
    }

    void merge(WeightHistogram other) {
        while (exponent < other.exponent) {
            coarsen();
        }
        WeightHistogram part = other;
        if (other.exponent < exponent) {
            part = other.copy();
            while (part.exponent < exponent) {
                part.coarsen();
            }
        }
        for (int side = 0; side < 2; side++) {
            for (int i = 0; i < 2 * HALF; i++) {
                counts[side][i] += part.counts[side][i];
            }
        }
    }

    /** The occupied range in at most {@code most} bins, empty ones inside it included. */
    List<Bin> bins(int most) {
        WeightHistogram view = copy();
        while (view.last() - view.first() + 1 > most) {
            view.coarsen();
        }
        List<Bin> bins = new ArrayList<>();
        for (int i = view.first(); i <= view.last(); i++) {
            bins.add(new Bin(
                    Math.scalb((double) (i - HALF), view.exponent),
                    Math.scalb((double) (i + 1 - HALF), view.exponent),
                    view.counts[0][i],
                    view.counts[1][i]));
        }
        return bins;
    }

    private boolean outside(double value) {
        double scaled = Math.floor(Math.scalb(value, -exponent));
        return scaled < -HALF || scaled >= HALF;
    }

    private int bin(double value) {
        return (int) Math.floor(Math.scalb(value, -exponent));
    }

    private void coarsen() {
        long[][] coarse = new long[2][2 * HALF];
        for (int side = 0; side < 2; side++) {
            for (int i = 0; i < 2 * HALF; i++) {
                coarse[side][Math.floorDiv(i - HALF, 2) + HALF] += counts[side][i];
            }
        }
        counts = coarse;
        exponent++;
    }

    private WeightHistogram copy() {
        WeightHistogram copy = new WeightHistogram();
        copy.exponent = exponent;
        copy.counts = new long[][] {counts[0].clone(), counts[1].clone()};
        return copy;
    }

    private int first() {
        int i = 0;
        while (i < 2 * HALF - 1 && counts[0][i] + counts[1][i] == 0) {
            i++;
        }
        return i;
    }

    private int last() {
        int i = 2 * HALF - 1;
        while (i > 0 && counts[0][i] + counts[1][i] == 0) {
            i--;
        }
        return i;
    }
}
