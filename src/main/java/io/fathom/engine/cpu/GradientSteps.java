package io.fathom.engine.cpu;

import io.fathom.program.Instruction;
import io.fathom.program.Instruction.AttentionGrad;
import io.fathom.program.Instruction.BalanceLossGrad;
import io.fathom.program.Instruction.BinaryCrossEntropyGrad;
import io.fathom.program.Instruction.ColumnSum;
import io.fathom.program.Instruction.CrossEntropyGrad;
import io.fathom.program.Instruction.EmbeddingGrad;
import io.fathom.program.Instruction.GatherGrad;
import io.fathom.program.Instruction.GeluGrad;
import io.fathom.program.Instruction.LayerNormGrad;
import io.fathom.program.Instruction.MeanSquareGrad;
import io.fathom.program.Instruction.RouterScoresGrad;
import io.fathom.program.Instruction.ScatterGatedGrad;
import io.fathom.program.Instruction.SiluGrad;

/** The steps of gradients. */
final class GradientSteps {
    private GradientSteps() {}

    /** The step of {@code instruction}; throws {@link IllegalArgumentException} where it is none of them. */
    static Step of(Instruction instruction, Binding binding) {
        if (instruction instanceof EmbeddingGrad m) {
            return new EmbeddingGradStep(
                    binding.ints(m.tokens()),
                    binding.floats(m.dOut()),
                    binding.added(m.dTokenTable()),
                    binding.floats(m.dPositionTable()),
                    m.dPositionTable().rows(),
                    m.dOut().columns(),
                    binding.beta(m.dPositionTable()));
        } else if (instruction instanceof LayerNormGrad m) {
            return new LayerNormGradStep(
                    binding.floats(m.x()),
                    binding.floats(m.gain()),
                    binding.floats(m.mean()),
                    binding.floats(m.rstd()),
                    binding.floats(m.dy()),
                    binding.optional(m.addend()),
                    binding.floats(m.dx()),
                    binding.sumOver(m.dGain()),
                    binding.sumOver(m.dBias()),
                    m.x().rows(),
                    m.x().columns());
        } else if (instruction instanceof ColumnSum m) {
            return new ColumnSumStep(
                    binding.floats(m.dy()),
                    binding.stride(m.dy()),
                    binding.ones(m.dy().rows()),
                    binding.floats(m.dBias()),
                    m.dy().rows(),
                    m.dy().columns(),
                    binding.beta(m.dBias()));
        } else if (instruction instanceof AttentionGrad m) {
            AttentionShape shape = AttentionShape.of(m.qkv(), m.sequences(), m.heads());
            return new AttentionGradStep(
                    binding.floats(m.qkv()),
                    binding.floats(m.y()),
                    binding.floats(m.logSumExp()),
                    binding.floats(m.dy()),
                    binding.ones(shape.headWidth()),
                    binding.floats(m.dqkv()),
                    shape);
        } else if (instruction instanceof GeluGrad m) {
            Floats x = binding.floats(m.x());
            return new GeluGradStep(x, binding.floats(m.dy()), binding.floats(m.dx()), x.length());
        } else if (instruction instanceof SiluGrad m) {
            return new SiluGradStep(
                    binding.floats(m.x()), binding.floats(m.dy()), binding.floats(m.dx()), m.x().length());
        } else if (instruction instanceof RouterScoresGrad m) {
            return new RouterScoresGradStep(
                    binding.floats(m.x()),
                    binding.floats(m.w()),
                    binding.floats(m.dScores()),
                    binding.optional(m.addend()),
                    binding.floats(m.dx()),
                    binding.floats(m.dW()),
                    m.x().rows(),
                    m.x().columns(),
                    binding.beta(m.dW()));
        } else if (instruction instanceof GatherGrad m) {
            return new GatherGradStep(
                    binding.ints(m.index()),
                    binding.floats(m.dy()),
                    binding.optional(m.addend()),
                    binding.floats(m.dx()),
                    m.dx().rows(),
                    m.dx().columns());
        } else if (instruction instanceof ScatterGatedGrad m) {
            return new ScatterGatedGradStep(
                    binding.ints(m.index()),
                    binding.floats(m.scores()),
                    binding.floats(m.delta()),
                    m.gate(),
                    m.positive(),
                    binding.floats(m.dy()),
                    binding.optional(m.addend()),
                    binding.floats(m.dDelta()),
                    binding.floats(m.dScores()),
                    m.dy().rows(),
                    m.dy().columns());
        } else if (instruction instanceof CrossEntropyGrad m) {
            return new CrossEntropyGradStep(
                    binding.floats(m.logits()),
                    binding.ints(m.targets()),
                    binding.floats(m.logSumExp()),
                    m.weight(),
                    binding.floats(m.dLogits()),
                    m.logits().rows(),
                    m.logits().columns());
        } else if (instruction instanceof BinaryCrossEntropyGrad m) {
            return new BinaryCrossEntropyGradStep(
                    binding.floats(m.z()),
                    binding.floats(m.mask()),
                    m.weight(),
                    binding.optional(m.addend()),
                    binding.floats(m.dz()));
        } else if (instruction instanceof BalanceLossGrad m) {
            return new BalanceLossGradStep(
                    binding.floats(m.scores()),
                    m.capacity(),
                    m.weight(),
                    binding.optional(m.addend()),
                    binding.floats(m.dScores()));
        } else if (instruction instanceof MeanSquareGrad m) {
            return new MeanSquareGradStep(
                    binding.floats(m.z()), m.weight(), binding.optional(m.addend()), binding.floats(m.dz()));
        }
        throw new IllegalArgumentException(
                "no kernel for " + instruction.getClass().getSimpleName());
    }
}
