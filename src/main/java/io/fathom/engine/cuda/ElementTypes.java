package io.fathom.engine.cuda;

import io.fathom.engine.Precision;
import io.fathom.program.Instruction;
import io.fathom.program.Instruction.Attention;
import io.fathom.program.Instruction.BalanceLoss;
import io.fathom.program.Instruction.BalanceLossGrad;
import io.fathom.program.Instruction.BinaryCrossEntropy;
import io.fathom.program.Instruction.BinaryCrossEntropyGrad;
import io.fathom.program.Instruction.CrossEntropy;
import io.fathom.program.Instruction.HeadLoss;
import io.fathom.program.Instruction.LayerNorm;
import io.fathom.program.Instruction.MeanSquare;
import io.fathom.program.Instruction.MeanSquareGrad;
import io.fathom.program.Instruction.RandomScores;
import io.fathom.program.Instruction.RouterScores;
import io.fathom.program.Instruction.ScatterGatedGrad;
import io.fathom.program.Instruction.TopK;
import io.fathom.program.Instruction.WeightedSum;
import io.fathom.program.Program;
import io.fathom.program.Value;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How wide each value is on the device. In {@link Precision#BF16} activations take two bytes, save those that stay
 * float: router scores and their gradients, masks, the norms' statistics, softmax denominators and losses.
 */
final class ElementTypes {
    private final boolean narrow;
    private final Set<Value> floats = new HashSet<>();

    ElementTypes(Program program, Precision precision) {
        this(program.instructions(), precision);
    }

    ElementTypes(List<Instruction> instructions, Precision precision) {
        this.narrow = precision == Precision.BF16;
        instructions.forEach(this::mark);
    }

    private void mark(Instruction instruction) {
        if (instruction instanceof RouterScores scores) {
            floats.add(scores.scores());
        } else if (instruction instanceof TopK topK) {
            floats.add(topK.scores());
            floats.add(topK.mask());
        } else if (instruction instanceof LayerNorm norm) {
            floats.add(norm.mean());
            floats.add(norm.rstd());
        } else if (instruction instanceof Attention attention) {
            floats.add(attention.logSumExp());
        } else if (instruction instanceof CrossEntropy ce) {
            floats.addAll(ce.writes());
        } else if (instruction instanceof HeadLoss head) {
            floats.add(head.losses());
            floats.add(head.loss());
        } else if (instruction instanceof BinaryCrossEntropy bce) {
            floats.add(bce.loss());
        } else if (instruction instanceof RandomScores random) {
            floats.add(random.scores());
        } else if (instruction instanceof BalanceLoss balance) {
            floats.add(balance.loss());
        } else if (instruction instanceof BalanceLossGrad grad) {
            floats.add(grad.dScores());
        } else if (instruction instanceof MeanSquare square) {
            floats.add(square.loss());
        } else if (instruction instanceof MeanSquareGrad grad) {
            floats.add(grad.dz());
        } else if (instruction instanceof WeightedSum sum) {
            floats.add(sum.total());
        } else if (instruction instanceof ScatterGatedGrad grad) {
            floats.add(grad.dScores());
        } else if (instruction instanceof BinaryCrossEntropyGrad grad && floats.contains(grad.z())) {
            floats.add(grad.dz());
        }
    }

    /** Whether {@code value} lies as bfloat16. */
    boolean narrow(Value value) {
        return narrow
                && value.type() == Value.Type.REAL
                && value.storage() == Value.Storage.ACTIVATION
                && !floats.contains(value);
    }

    /** Whether products take bfloat16 factors. */
    boolean narrowProducts() {
        return narrow;
    }

    /** Bytes of {@code value}. */
    long bytes(Value value) {
        return (long) value.length() * (narrow(value) ? 2 : 4);
    }
}
