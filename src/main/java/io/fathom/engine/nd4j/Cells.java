package io.fathom.engine.nd4j;

import io.fathom.model.Batch;
import io.fathom.program.Value;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** The arrays that stand for a program's values during one run. */
final class Cells {
    final DataType type;
    private final INDArray parameters;
    private final INDArray gradient;
    private final Map<Value, INDArray> slices = new HashMap<>();
    private final Map<Value, INDArray> reals = new HashMap<>();
    private final Map<Value, int[]> ints = new HashMap<>();
    private int[] tokens = {};
    private int[] targets = {};
    private long seed;

    Cells(DataType type, INDArray parameters, INDArray gradient) {
        this.type = type;
        this.parameters = parameters;
        this.gradient = gradient;
    }

    void begin(Batch batch) {
        reals.clear();
        ints.clear();
        tokens = batch.tokens();
        targets = batch.targets();
        seed = batch.seed();
    }

    /** The matrix of {@code value}; parameters and gradients are views of their vectors. */
    INDArray real(Value value) {
        return switch (value.storage()) {
            case PARAMETER -> slices.computeIfAbsent(value, v -> slice(parameters, v));
            case GRADIENT -> slices.computeIfAbsent(value, v -> slice(gradient, v));
            case INPUT, ACTIVATION -> Objects.requireNonNull(reals.get(value), value.name());
        };
    }

    private static INDArray slice(INDArray vector, Value value) {
        return vector.get(NDArrayIndex.interval(value.offset(), value.offset() + value.length()))
                .reshape('c', value.rows(), value.columns());
    }

    int[] ints(Value value) {
        if (value.storage() == Value.Storage.INPUT) {
            return value.name().equals("tokens") ? tokens : targets;
        }
        return Objects.requireNonNull(ints.get(value), value.name());
    }

    /** The seed of the batch. */
    long seed() {
        return seed;
    }

    /** Stores a result; a GRADIENT result is added to what is there. */
    void put(Value value, INDArray result) {
        if (value.storage() == Value.Storage.GRADIENT) {
            real(value).addi(result.reshape('c', value.rows(), value.columns()));
        } else {
            reals.put(value, result.reshape('c', value.rows(), value.columns()));
        }
    }

    void put(Value value, int[] result) {
        ints.put(value, result);
    }

    double[] doubles(Value value) {
        return value.type() == Value.Type.INT
                ? Arrays.stream(ints(value)).asDoubleStream().toArray()
                : real(value).dup('c').reshape(value.length()).toDoubleVector();
    }
}
