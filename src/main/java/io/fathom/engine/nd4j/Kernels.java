package io.fathom.engine.nd4j;

import io.fathom.program.Instruction;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Each instruction as the formula of its Javadoc, in ND4J operations. */
final class Kernels {
    private final Map<Class<? extends Instruction>, Consumer<Instruction>> table = new HashMap<>();

    Kernels(Cells cells) {
        List.of(new BodyKernels(cells), new AttentionKernels(cells), new RoutingKernels(cells), new LossKernels(cells))
                .forEach(group -> table.putAll(group.kernels()));
    }

    void run(Instruction instruction) {
        Consumer<Instruction> kernel = table.get(instruction.getClass());
        if (kernel == null) {
            throw new IllegalStateException("the nd4j engine has no kernel for " + instruction.getClass());
        }
        kernel.accept(instruction);
    }
}
