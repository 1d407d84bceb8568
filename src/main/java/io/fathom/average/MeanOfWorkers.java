package io.fathom.average;

/**
 * The mean of the workers' parameters, or of their changes to the parameters they started from.
 *
 * @param values one a parameter
 * @param relative whether {@code values} are changes; whole parameters travel without loss, changes can be quantised
 */
public record MeanOfWorkers(float[] values, boolean relative) {

    /** The mean of parameter {@code i}, which was {@code before}. */
    float parameter(int i, float before) {
        return relative ? (float) ((double) before + values[i]) : values[i];
    }

    /** The mean change of parameter {@code i}, which was {@code before}. */
    double change(int i, float before) {
        return relative ? values[i] : (double) values[i] - before;
    }
}
