package io.fathom.program;

import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A program in the making: values, instructions so far and the outputs by name. */
final class Forward {
    final ModelSpec spec;
    final int sequences;
    final ParameterLayout layout;
    final List<Value> values = new ArrayList<>();
    final List<Instruction> instructions = new ArrayList<>();
    final Map<String, Value> outputs = new LinkedHashMap<>();
    /**
     * Instructions through which no gradient reaches their first operand: a predictor's view of the residual stream.
     */
    final Set<Instruction> detached = new HashSet<>();

    private final Map<String, Value> parameters = new HashMap<>();
    private final Map<Value, Value> gradients = new HashMap<>();

    Forward(ModelSpec spec, int sequences) {
        this.spec = spec;
        this.sequences = sequences;
        this.layout = ParameterLayout.of(spec);
    }

    /** The parameter {@code name} as a matrix; a vector is one row. */
    Value parameter(String name) {
        return parameters.computeIfAbsent(name, n -> {
            Tensor t = layout.tensor(n);
            return value(n, Value.Type.REAL, Value.Storage.PARAMETER, t.rows(), t.columns(), t.offset());
        });
    }

    /** The gradient slice that belongs to {@code parameter}. */
    Value gradient(Value parameter) {
        return gradients.computeIfAbsent(
                parameter,
                p -> value(
                        "d/" + p.name(), Value.Type.REAL, Value.Storage.GRADIENT, p.rows(), p.columns(), p.offset()));
    }

    /** The batch's token ids or targets. */
    Value input(String name) {
        return value(name, Value.Type.INT, Value.Storage.INPUT, sequences * spec.context(), 1, 0);
    }

    Value real(String name, int rows, int columns) {
        return value(name, Value.Type.REAL, Value.Storage.ACTIVATION, rows, columns, 0);
    }

    Value ints(String name, int rows) {
        return value(name, Value.Type.INT, Value.Storage.ACTIVATION, rows, 1, 0);
    }

    /** A value of the same shape: a gradient, a sum. */
    Value like(String name, Value other) {
        return real(name, other.rows(), other.columns());
    }

    void emit(Instruction instruction) {
        instructions.add(instruction);
    }

    private Value value(String name, Value.Type type, Value.Storage storage, int rows, int columns, int offset) {
        Value value = new Value(values.size(), name, type, storage, rows, columns, offset);
        values.add(value);
        return value;
    }
}
