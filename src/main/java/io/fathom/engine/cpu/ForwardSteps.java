package io.fathom.engine.cpu;

import io.fathom.program.Instruction;
import io.fathom.program.Instruction.Add;
import io.fathom.program.Instruction.Attention;
import io.fathom.program.Instruction.BalanceLoss;
import io.fathom.program.Instruction.BinaryCrossEntropy;
import io.fathom.program.Instruction.CrossEntropy;
import io.fathom.program.Instruction.Embedding;
import io.fathom.program.Instruction.Gather;
import io.fathom.program.Instruction.Gelu;
import io.fathom.program.Instruction.LayerNorm;
import io.fathom.program.Instruction.MatMul;
import io.fathom.program.Instruction.MeanSquare;
import io.fathom.program.Instruction.RandomScores;
import io.fathom.program.Instruction.RouterScores;
import io.fathom.program.Instruction.ScatterGated;
import io.fathom.program.Instruction.Silu;
import io.fathom.program.Instruction.TopK;
import io.fathom.program.Instruction.WeightedSum;
import org.jspecify.annotations.Nullable;

/** The steps of forward instructions that are one step each. */
final class ForwardSteps {
    private ForwardSteps() {}

    /** The step of {@code instruction}; null where it is none of them. */
    static @Nullable Step of(Instruction instruction, Binding binding) {
        if (instruction instanceof MatMul m) {
            return new MatMulStep(
                    binding.floats(m.a()),
                    binding.stride(m.a()),
                    m.transposeA(),
                    binding.floats(m.b()),
                    binding.stride(m.b()),
                    m.transposeB(),
                    binding.optional(m.bias()),
                    binding.optional(m.addend()),
                    binding.floats(m.c()),
                    binding.stride(m.c()),
                    m.c().rows(),
                    m.c().columns(),
                    m.inner(),
                    binding.beta(m.c()));
        } else if (instruction instanceof CrossEntropy m) {
            return new CrossEntropyStep(
                    binding.floats(m.logits()),
                    binding.ints(m.targets()),
                    binding.floats(m.losses()),
                    binding.floats(m.logSumExp()),
                    m.logits().rows(),
                    m.logits().columns());
        } else if (instruction instanceof Embedding m) {
            return new EmbeddingStep(
                    binding.ints(m.tokens()),
                    binding.floats(m.tokenTable()),
                    binding.floats(m.positionTable()),
                    binding.floats(m.out()),
                    m.positionTable().rows(),
                    m.out().columns());
        } else if (instruction instanceof LayerNorm m) {
            return new LayerNormStep(
                    binding.floats(m.x()),
                    binding.floats(m.gain()),
                    binding.floats(m.bias()),
                    m.epsilon(),
                    binding.floats(m.y()),
                    binding.floats(m.mean()),
                    binding.floats(m.rstd()),
                    m.x().rows(),
                    m.x().columns());
        } else if (instruction instanceof Attention m) {
            return new AttentionStep(
                    binding.floats(m.qkv()),
                    binding.floats(m.y()),
                    binding.floats(m.logSumExp()),
                    AttentionShape.of(m.qkv(), m.sequences(), m.heads()));
        } else if (instruction instanceof Gelu m) {
            Floats x = binding.floats(m.x());
            return new GeluStep(x, binding.floats(m.y()), x.length());
        } else if (instruction instanceof Silu m) {
            return new SiluStep(binding.floats(m.x()), binding.floats(m.y()), m.x().length());
        } else if (instruction instanceof Add m) {
            return new AddStep(binding.floats(m.a()), binding.floats(m.b()), binding.floats(m.c()), m.c().length());
        } else if (instruction instanceof RouterScores m) {
            return new RouterScoresStep(
                    binding.floats(m.x()),
                    binding.floats(m.w()),
                    binding.floats(m.scores()),
                    m.x().rows(),
                    m.x().columns());
        } else if (instruction instanceof TopK m) {
            return new TopKStep(
                    binding.floats(m.scores()),
                    binding.ints(m.index()),
                    binding.floats(m.mask()),
                    m.sequences(),
                    m.scores().rows() / m.sequences(),
                    m.k(),
                    m.positive());
        } else if (instruction instanceof RandomScores m) {
            return new RandomScoresStep(binding.seed(), m.block(), binding.floats(m.scores()));
        } else if (instruction instanceof BalanceLoss m) {
            return new BalanceLossStep(binding.floats(m.scores()), m.capacity(), binding.floats(m.loss()));
        } else if (instruction instanceof MeanSquare m) {
            return new MeanSquareStep(binding.floats(m.z()), binding.floats(m.loss()));
        } else if (instruction instanceof Gather m) {
            return new GatherStep(
                    binding.floats(m.x()), binding.ints(m.index()), binding.floats(m.y()), m.x().columns());
        } else if (instruction instanceof ScatterGated m) {
            return new ScatterGatedStep(
                    binding.floats(m.x()),
                    binding.ints(m.index()),
                    binding.floats(m.scores()),
                    binding.floats(m.delta()),
                    m.gate(),
                    m.positive(),
                    binding.floats(m.y()),
                    m.x().rows(),
                    m.x().columns());
        } else if (instruction instanceof BinaryCrossEntropy m) {
            return new BinaryCrossEntropyStep(
                    binding.floats(m.z()), binding.floats(m.mask()), binding.floats(m.loss()));
        } else if (instruction instanceof WeightedSum m) {
            return new WeightedSumStep(
                    m.terms().stream().map(binding::floats).toArray(Floats[]::new),
                    m.weights().stream().mapToDouble(w -> w).toArray(),
                    binding.floats(m.total()));
        }
        return null;
    }
}
