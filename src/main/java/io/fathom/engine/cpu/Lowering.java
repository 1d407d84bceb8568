package io.fathom.engine.cpu;

import io.fathom.program.Instruction;
import io.fathom.program.Instruction.Attention;
import io.fathom.program.Instruction.CrossEntropy;
import io.fathom.program.Instruction.HeadLoss;
import io.fathom.program.Program;
import io.fathom.program.Value;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Binds the instructions of a program to kernels and memory, once, when a session opens. */
final class Lowering {
    /** Floats of the logits that a head keeps at a time: 64 MiB. */
    private static final int HEAD_FLOATS = 1 << 24;

    private final Binding binding;
    private final @Nullable OneDnnSteps oneDnn;
    private final List<PreparedStep> steps = new ArrayList<>();

    private Lowering(Binding binding) {
        this.binding = binding;
        this.oneDnn = OneDnn.SERVES ? new OneDnnSteps(binding) : null;
    }

    /** The steps of {@code program} for {@code lanes}. */
    static List<PreparedStep> steps(Program program, SessionMemory memory, FirstWrite firstWrite, Lane[] lanes) {
        // oneDNN deals a kernel's work to the threads that the maker of the kernel may use, whoever runs it.
        Blas.singleThreaded();
        Lowering lowering = new Lowering(new Binding(memory, firstWrite, lanes));
        program.instructions().forEach(lowering::lower);
        lowering.steps.addAll(
                0,
                lowering.binding.clears().stream()
                        .map(step -> new PreparedStep(null, step))
                        .toList());
        lowering.binding.sums().forEach(step -> lowering.steps.add(new PreparedStep(null, step)));
        memory.takeScratch();
        return lowering.steps;
    }

    /** {@code count} lanes with the scratch that {@code program} needs. */
    static Lane[] lanes(Program program, SessionMemory memory, int count) {
        int widest = program.spec().context();
        int sums = 0;
        int scratch = 0;
        for (Instruction instruction : program.instructions()) {
            for (Value value : instruction.writes()) {
                widest = Math.max(widest, memory.stride(value));
                sums += value.storage() == Value.Storage.GRADIENT && value.rows() == 1 ? value.columns() : 0;
            }
            if (instruction instanceof HeadLoss head) {
                widest = Math.max(widest, head.table().rows());
            } else if (instruction instanceof Attention attention) {
                AttentionShape shape = AttentionShape.of(attention.qkv(), attention.sequences(), attention.heads());
                widest = Math.max(widest, AttentionShape.QUERIES * shape.heads());
                scratch = Math.max(scratch, program.training() ? shape.scratch() : shape.scores());
            }
        }
        Lane[] lanes = new Lane[count];
        for (int i = 0; i < count; i++) {
            lanes[i] = new Lane(i, count, widest, memory.scratch(sums), memory.scratch(scratch));
        }
        return lanes;
    }

    private void lower(Instruction instruction) {
        if (instruction instanceof HeadLoss m) {
            head(m);
            return;
        }
        Step step = oneDnn == null ? null : oneDnn.of(instruction);
        step = step == null ? ForwardSteps.of(instruction, binding) : step;
        emit(instruction, step == null ? GradientSteps.of(instruction, binding) : step);
        if (instruction instanceof CrossEntropy m) {
            emit(m, new MeanStep(binding.floats(m.losses()), binding.floats(m.loss())));
        }
    }

    private void head(HeadLoss m) {
        int rows = m.x().rows();
        int vocabulary = m.table().rows();
        int width = m.x().columns();
        int block = Math.max(1, Math.min(rows, HEAD_FLOATS / vocabulary));
        Floats logits = binding.scratch(block * vocabulary);
        int[] targets = binding.ints(m.targets());
        for (int first = 0; first < rows; first += block) {
            int n = Math.min(block, rows - first);
            emit(
                    m,
                    new HeadRowsStep(
                            binding.floats(m.x()),
                            binding.floats(m.table()),
                            targets,
                            m.weight(),
                            binding.floats(m.losses()),
                            binding.floats(m.dx()),
                            logits,
                            rows,
                            first,
                            n,
                            width,
                            vocabulary));
            emit(
                    m,
                    new HeadTableStep(
                            binding.floats(m.x()),
                            binding.floats(m.dTable()),
                            logits,
                            first,
                            n,
                            width,
                            vocabulary,
                            binding.beta(m.dTable())));
        }
        emit(m, new MeanStep(binding.floats(m.losses()), binding.floats(m.loss())));
    }

    private void emit(Instruction source, Step step) {
        steps.add(new PreparedStep(source, step));
    }
}
