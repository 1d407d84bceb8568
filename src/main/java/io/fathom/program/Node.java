package io.fathom.program;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.ScalarOp;

/** One variable of a SameDiff graph with the operation that makes it; one object for each variable. */
final class Node {
    /** Its name. */
    final String variable;
    /** The operation, or the empty string for a placeholder, parameter or constant. */
    final String op;

    final List<Node> inputs;
    /** Which output of the operation it is. */
    final int output;
    /** Nodes that read it, counted once for each time they do. */
    int readers;

    private final @Nullable DifferentialFunction function;

    private Node(String variable, String op, List<Node> inputs, int output, @Nullable DifferentialFunction function) {
        this.variable = variable;
        this.op = op;
        this.inputs = inputs;
        this.output = output;
        this.function = function;
    }

    /** The nodes that {@code variable} depends on, itself included, by name. */
    static Map<String, Node> reach(SameDiff graph, String variable) {
        Map<String, Node> nodes = new HashMap<>();
        visit(graph, variable, nodes);
        return nodes;
    }

    private static Node visit(SameDiff graph, String variable, Map<String, Node> nodes) {
        Node known = nodes.get(variable);
        if (known != null) {
            return known;
        }
        String name = Objects.requireNonNull(graph.getVariables().get(variable), variable)
                .getOutputOfOp();
        Node node;
        if (name == null) {
            node = new Node(variable, "", List.of(), 0, null);
        } else {
            SameDiffOp operation = Objects.requireNonNull(graph.getOps().get(name), name);
            List<Node> inputs = new ArrayList<>();
            if (operation.getInputsToOp() != null) {
                for (String input : operation.getInputsToOp()) {
                    Node from = visit(graph, input, nodes);
                    from.readers++;
                    inputs.add(from);
                }
            }
            node = new Node(
                    variable,
                    operation.getOp().opName(),
                    inputs,
                    operation.getOutputsOfOp().indexOf(variable),
                    operation.getOp());
        }
        nodes.put(variable, node);
        return node;
    }

    boolean is(String operation) {
        return op.equals(operation);
    }

    Node in(int index) {
        return inputs.get(index);
    }

    /** Integer argument {@code index} of a custom operation, 0 where it has fewer. */
    long argument(int index) {
        return function instanceof DynamicCustomOp custom && custom.numIArguments() > index
                ? custom.getIArgument(index)
                : 0;
    }

    /** The number of a scalar operation. A single-precision one is taken as the decimal it was written as. */
    double scalar() {
        if (function instanceof ScalarOp operation) {
            INDArray scalar = operation.scalar();
            return scalar.dataType() == DataType.FLOAT
                    ? Double.parseDouble(Float.toString(scalar.getFloat(0)))
                    : scalar.getDouble(0);
        }
        throw new IllegalArgumentException(variable + " is made by " + op + ", which has no scalar");
    }
}
