package io.fathom.average;

import io.fathom.model.ParameterLayout;
import io.fathom.model.Tensor;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

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

    /** Of a worker whose slices were encoded as {@code encoded}. */
    public static ChangeNorms of(
            ParameterLayout layout,
            float[] before,
            float[] after,
            Slices slices,
            SliceCodec codec,
            List<byte[]> encoded) {
        ChangeNorms norms = none();
        for (int slice = 0; slice < slices.count(); slice++) {
            int from = slices.from(slice);
            // Whole parameters travel without loss: nothing to decode.
            float[] decoded = codec.relative() ? codec.decode(encoded.get(slice), from, slices.to(slice)) : null;
            for (Tensor tensor : layout.tensors()) {
                int group = TensorGroup.of(tensor).ordinal();
                int end = Math.min(slices.to(slice), tensor.offset() + tensor.length());
                double change = 0;
                double error = 0;
                for (int i = Math.max(from, tensor.offset()); i < end; i++) {
                    double moved = (double) after[i] - before[i];
                    double lost = decoded == null ? 0 : decoded[i - from] - moved;
                    change += moved * moved;
                    error += lost * lost;
                }
                norms.squaredChanges[group] += change;
                norms.squaredErrors[group] += error;
            }
        }
        return norms;
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
