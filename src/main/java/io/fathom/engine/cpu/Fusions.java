package io.fathom.engine.cpu;

import io.fathom.program.Instruction;
import io.fathom.program.Instruction.Gelu;
import io.fathom.program.Instruction.GeluGrad;
import io.fathom.program.Instruction.MatMul;
import io.fathom.program.Program;
import io.fathom.program.Value;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What steps of a program may take over from one another: both concern the inputs of gelu that nothing but its gradient
 * reads again.
 */
final class Fusions {
    private final Set<Value> sloped;
    private final Map<Value, Value> biases = new HashMap<>();

    Fusions(Program program) {
        this.sloped = readByGeluAlone(program);
        for (Instruction instruction : program.instructions()) {
            if (instruction instanceof MatMul m && m.bias() != null && m.addend() == null && sloped.contains(m.c())) {
                biases.put(m.c(), m.bias());
            }
        }
    }

    /** Whether gelu leaves its slope in the place of {@code x}, for its gradient. */
    boolean keepsSlope(Value x) {
        return sloped.contains(x);
    }

    /** Whether the product leaves its bias to the gelu that follows, which saves a pass over c. */
    boolean leavesBias(MatMul product) {
        return biases.containsKey(product.c());
    }

    /** The bias that gelu adds to {@code x}, if the product that made x left it. */
    @Nullable
    Value biasLeftToGelu(Value x) {
        return biases.get(x);
    }

    private static Set<Value> readByGeluAlone(Program program) {
        Set<Value> differentiated = new HashSet<>();
        Set<Value> others = new HashSet<>(program.outputs().values());
        for (Instruction instruction : program.instructions()) {
            if (instruction instanceof GeluGrad grad) {
                differentiated.add(grad.x());
            } else if (!(instruction instanceof Gelu)) {
                others.addAll(instruction.reads());
            }
        }
        differentiated.removeAll(others);
        return differentiated;
    }
}
