package io.fathom.report;

import java.util.ArrayList;
import java.util.List;

/**
 * A map from values in [min, max] to coordinates in [from, to].
 *
 * @param logarithmic whether equal factors, instead of equal differences, take equal room; then min > 0
 */
record Scale(double min, double max, double from, double to, boolean logarithmic) {

    static Scale linear(double min, double max, double from, double to) {
        return new Scale(min, max > min ? max : min + 1, from, to, false);
    }

    static Scale logarithmic(double min, double max, double from, double to) {
        return new Scale(min, max > min ? max : min * 10, from, to, true);
    }

    double at(double value) {
        double share =
                logarithmic ? Math.log(Math.max(value, min) / min) / Math.log(max / min) : (value - min) / (max - min);
        return from + share * (to - from);
    }

    /** Round values to label, at most about {@code most} of them. */
    List<Double> ticks(int most) {
        return logarithmic ? decades() : steps(most);
    }

    private List<Double> steps(int most) {
        double step = step(max - min, most);
        List<Double> ticks = new ArrayList<>();
        for (long i = (long) Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; i++) {
            ticks.add(i * step);
        }
        return ticks;
    }

    private List<Double> decades() {
        List<Double> ticks = new ArrayList<>();
        for (int power = (int) Math.ceil(Math.log10(min) - 1e-9); Math.pow(10, power) <= max * (1 + 1e-9); power++) {
            ticks.add(Math.pow(10, power));
        }
        return ticks;
    }

    /** The least of 1, 2, 5 times a power of ten that cuts {@code range} into at most {@code most} steps. */
    static double step(double range, int most) {
        double rough = range / most;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        for (double factor : new double[] {1, 2, 5, 10}) {
            if (factor * power >= rough * (1 - 1e-9)) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    /** The least round number, as a multiple of a tick step, that is not below {@code value}. */
    static double roundUp(double value, int steps) {
        double step = step(value, steps);
        return Math.ceil(value / step - 1e-9) * step;
    }
}
