package io.fathom.engine.nd4j;

import io.fathom.program.Instruction;
import io.fathom.program.Value;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Kernels of one concern by the instructions they run, over one session's arrays. */
abstract class KernelGroup {
    final Cells cells;
    private final Map<Class<? extends Instruction>, Consumer<Instruction>> kernels = new HashMap<>();

    KernelGroup(Cells cells) {
        this.cells = cells;
    }

    /** Every kernel of the group by the class of its instruction. */
    final Map<Class<? extends Instruction>, Consumer<Instruction>> kernels() {
        return kernels;
    }

    final <I extends Instruction> void on(Class<I> kind, Consumer<I> kernel) {
        kernels.put(kind, instruction -> kernel.accept(kind.cast(instruction)));
    }

    final INDArray real(Value value) {
        return cells.real(value);
    }

    final INDArray plus(INDArray result, @Nullable Value addend) {
        return addend == null ? result : result.add(real(addend));
    }

    final INDArray zeros(int rows, int columns) {
        return Nd4j.zeros(cells.type, rows, columns);
    }

    static INDArray rows(INDArray x, int[] index) {
        return Nd4j.exec(DynamicCustomOp.builder("gather")
                .addInputs(x, indices(index))
                .addIntegerArguments(0)
                .build())[0];
    }

    /** target[index[i]] += update[i], in place. */
    static void scatterAdd(INDArray target, int[] index, INDArray update) {
        Nd4j.exec(DynamicCustomOp.builder("scatter_add")
                .addInputs(target, indices(index), update)
                .addOutputs(target)
                .build());
    }

    private static INDArray indices(int[] index) {
        return Nd4j.createFromArray(index);
    }

    static INDArray sigmoid(INDArray x) {
        return Transforms.sigmoid(x, true);
    }
}
