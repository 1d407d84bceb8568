package io.fathom.average;

import io.fathom.model.ParameterLayout;
import io.fathom.model.Tensor;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How far a worker moved from where it started, and how much of that its encoding lost, by group of tensors.
 *
 * @param squaredChanges sum of (after - before)^2, by ordinal of {@link TensorGroup}
 * @param squaredErrors sum of (decoded - (after - before))^2, likewise
 */
@SuppressWarnings("EnumOrdinal") // indexes of arrays that only tasks of one run exchange
public record ChangeNorms(double[] squaredChanges, double[] squaredErrors) {

    /** Of a worker that gives nothing. */
    public static ChangeNorms none() {
        int groups = TensorGroup.values().length;
        return new ChangeNorms(new double[groups], new double[groups]);
    }

    /** The norms of one worker, gathered slice by slice. */
    public static final class Sum {
        private final ParameterLayout layout;
        private final ChangeNorms norms = none();

        /** Of nothing yet. */
        public Sum(ParameterLayout layout) {
            this.layout = layout;
        }

        /**
         * Adds floats {@code from} to {@code to} (exclusive) of the vector, which begin each array.
         *
         * @param decoded what the receiver will take for the changes; null where the codec loses nothing
         */
        public void add(int from, int to, float[] before, float[] after, float @Nullable [] decoded) {
            for (Tensor tensor : layout.tensors()) {
                int first = Math.max(from, tensor.offset()) - from;
                int end = Math.min(to, tensor.offset() + tensor.length()) - from;
                if (first < end) {
                    int group = TensorGroup.of(tensor).ordinal();
                    norms.squaredChanges[group] += squaredDistance(after, before, first, end);
                    if (decoded != null) {
                        norms.squaredErrors[group] += squaredError(after, before, decoded, first, end);
                    }
                }
            }
        }

        /** The norms of what was added. */
        public ChangeNorms norms() {
            return norms;
        }
    }

    /** Four sums side by side, since a processor adds doubles one after the other only every fourth cycle. */
    private static double squaredDistance(float[] a, float[] b, int first, int end) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int i = first;
        for (; i + 3 < end; i += 4) {
            double d0 = (double) a[i] - b[i];
            double d1 = (double) a[i + 1] - b[i + 1];
            double d2 = (double) a[i + 2] - b[i + 2];
            double d3 = (double) a[i + 3] - b[i + 3];
            s0 += d0 * d0;
            s1 += d1 * d1;
            s2 += d2 * d2;
            s3 += d3 * d3;
        }
        for (; i < end; i++) {
            double d = (double) a[i] - b[i];
            s0 += d * d;
        }
        return s0 + s1 + (s2 + s3);
    }

    private static double squaredError(float[] after, float[] before, float[] decoded, int first, int end) {
        double sum = 0;
        for (int i = first; i < end; i++) {
            double lost = decoded[i] - ((double) after[i] - before[i]);
            sum += lost * lost;
        }
        return sum;
    }

    /** |after - before|. */
    public double change() {
        double sum = 0;
        for (double square : squaredChanges) {
            sum += square;
        }
        return Math.sqrt(sum);
    }

    /** |decoded - change| / |change| over all {@code workers}, for each group that moved. */
    public static Map<TensorGroup, Double> relativeErrors(List<ChangeNorms> workers) {
        Map<TensorGroup, Double> errors = new EnumMap<>(TensorGroup.class);
        for (TensorGroup group : TensorGroup.values()) {
            double change = workers.stream()
                    .mapToDouble(w -> w.squaredChanges[group.ordinal()])
                    .sum();
            double error = workers.stream()
                    .mapToDouble(w -> w.squaredErrors[group.ordinal()])
                    .sum();
            if (change > 0) {
                errors.put(group, Math.sqrt(error / change));
            }
        }
        return errors;
    }
}
