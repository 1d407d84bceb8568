package io.fathom.engine.cuda;

import io.fathom.program.Instruction;
import io.fathom.program.Instruction.ColumnSum;
import io.fathom.program.Instruction.Gelu;
import io.fathom.program.Instruction.GeluGrad;
import io.fathom.program.Instruction.LayerNormGrad;
import io.fathom.program.Instruction.MatMul;
import io.fathom.program.Instruction.RouterScoresGrad;
import io.fathom.program.Program;
import io.fathom.program.Value;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Joins instructions that one kernel does: a product and its gelu, a row kernel and the column sums of its result. */
final class Fusion {
    /** cuBLASLt wants rows of the kept pre-activation at 16-byte steps. */
    private static final int AUX_COLUMNS = 8;

    private final Map<Value, Integer> readers = new HashMap<>();
    private final Collection<Value> outputs;
    private final boolean epilogues;

    private Fusion(List<Instruction> instructions, Collection<Value> outputs, boolean epilogues) {
        this.outputs = outputs;
        this.epilogues = epilogues;
        for (Instruction instruction : instructions) {
            instruction.reads().forEach(read -> readers.merge(read, 1, Integer::sum));
        }
    }

    /** The steps of {@code program}; {@code epilogues} lets products take gelu along. */
    static List<Step> steps(Program program, boolean epilogues) {
        return steps(program.instructions(), program.outputs().values(), epilogues);
    }

    /** The steps of {@code instructions}; {@code outputs} must be in memory. */
    static List<Step> steps(List<Instruction> instructions, Collection<Value> outputs, boolean epilogues) {
        Fusion fusion = new Fusion(instructions, outputs, epilogues);
        List<Step> steps = new ArrayList<>();
        Map<Value, Integer> producers = new HashMap<>();
        for (int i = 0; i < instructions.size(); i++) {
            Instruction instruction = instructions.get(i);
            if (instruction instanceof ColumnSum sum) {
                Integer producer = producers.get(sum.dy());
                if (producer != null && steps.get(producer).sum() == null) {
                    steps.set(producer, steps.get(producer).with(sum));
                    continue;
                }
            }
            Step step = fusion.step(instruction, i + 1 < instructions.size() ? instructions.get(i + 1) : null);
            if (step.then() != null) {
                i++;
            }
            if (instruction instanceof LayerNormGrad || instruction instanceof RouterScoresGrad) {
                producers.put(instruction.writes().get(0), steps.size());
            }
            steps.add(step);
        }
        return steps;
    }

    private Step step(Instruction instruction, @Nullable Instruction next) {
        if (epilogues && instruction instanceof MatMul product && product.addend() == null) {
            Value c = product.c();
            boolean wide = c.columns() % AUX_COLUMNS == 0 && c.storage() == Value.Storage.ACTIVATION;
            if (wide && next instanceof Gelu gelu && gelu.x().equals(c) && product.bias() != null) {
                return new Step(product, gelu, null, null);
            }
            if (wide
                    && next instanceof GeluGrad grad
                    && grad.dy().equals(c)
                    && product.bias() == null
                    && readers.getOrDefault(c, 0) == 1
                    && !outputs.contains(c)) {
                return new Step(product, grad, null, c);
            }
        }
        return Step.of(instruction);
    }
}
