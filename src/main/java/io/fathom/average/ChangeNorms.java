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
            for (Tensor tensor : layout.tensors(from, to)) {
                int first = Math.max(from, tensor.offset()) - from;
                int end = Math.min(to, tensor.offset() + tensor.length()) - from;
                if (first < end) {
                    int group = TensorGroup.of(tensor).ordinal();
                    norms.squaredChanges[group] += Squares.distance(after, first, before, first, end - first);
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
