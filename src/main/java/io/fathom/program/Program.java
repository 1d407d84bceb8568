package io.fathom.program;

import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import java.util.List;
import java.util.Map;

/**
 * One compiled step: instructions in the order they run, over values whose place in memory is planned.
 *
 * @param spec the model it computes
 * @param sequences B, fixed
 * @param training whether it also makes the gradient of {@code total}
 * @param layout of parameters and gradient
 * @param values all values by id
 * @param instructions in order
 * @param outputs values to read after a run by name: {@code total}, {@code ce}, {@code aux}, {@code pred},
 *     {@code balance}, {@code z} (all 1 x 1; the latter four where the model has them), {@code token_loss} [B*S, 1],
 *     {@code logits} [B*S, V] (inference alone), and for every routed block i {@code h.i.scores} [B*S, 1],
 *     {@code h.i.topk} [B*k, 1] (row numbers b*S + t), {@code h.i.mask} [B*S, 1] (1 where chosen),
 *     {@code h.i.predictor} [B*S, 1]. Outputs stay valid until the next run.
 * @param memory where each activation lies in the arena
 */
public record Program(
        ModelSpec spec,
        int sequences,
        boolean training,
        ParameterLayout layout,
        List<Value> values,
        List<Instruction> instructions,
        Map<String, Value> outputs,
        MemoryPlan memory) {
    public Program {
        values = List.copyOf(values);
        instructions = List.copyOf(instructions);
        outputs = Map.copyOf(outputs);
    }

    /** Matrix-product FLOPs of one run, counted instruction by instruction. */
    public long flops() {
        return instructions.stream().mapToLong(Instruction::flops).sum();
    }

    /** Tokens of one run, B * S. */
    public int tokens() {
        return sequences * spec.context();
    }
}
