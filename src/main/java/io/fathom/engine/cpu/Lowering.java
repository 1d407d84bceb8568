package io.fathom.engine.cpu;

import io.fathom.program.Instruction;
import io.fathom.program.Instruction.Add;
import io.fathom.program.Instruction.Attention;
import io.fathom.program.Instruction.AttentionGrad;
import io.fathom.program.Instruction.BalanceLoss;
import io.fathom.program.Instruction.BalanceLossGrad;
import io.fathom.program.Instruction.BinaryCrossEntropy;
import io.fathom.program.Instruction.BinaryCrossEntropyGrad;
import io.fathom.program.Instruction.ColumnSum;
import io.fathom.program.Instruction.CrossEntropy;
import io.fathom.program.Instruction.CrossEntropyGrad;
import io.fathom.program.Instruction.Embedding;
import io.fathom.program.Instruction.EmbeddingGrad;
import io.fathom.program.Instruction.Gather;
import io.fathom.program.Instruction.GatherGrad;
import io.fathom.program.Instruction.Gelu;
import io.fathom.program.Instruction.GeluGrad;
import io.fathom.program.Instruction.HeadLoss;
import io.fathom.program.Instruction.LayerNorm;
import io.fathom.program.Instruction.LayerNormGrad;
import io.fathom.program.Instruction.MatMul;
import io.fathom.program.Instruction.MeanSquare;
import io.fathom.program.Instruction.MeanSquareGrad;
import io.fathom.program.Instruction.RandomScores;
import io.fathom.program.Instruction.RouterScores;
import io.fathom.program.Instruction.RouterScoresGrad;
import io.fathom.program.Instruction.ScatterGated;
import io.fathom.program.Instruction.ScatterGatedGrad;
import io.fathom.program.Instruction.Silu;
import io.fathom.program.Instruction.SiluGrad;
import io.fathom.program.Instruction.TopK;
import io.fathom.program.Instruction.WeightedSum;
import io.fathom.program.Program;
import io.fathom.program.Value;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Binds the instructions of a program to kernels and memory, once, when a session opens. */
final class Lowering {
    /** Floats of the logits that a head keeps at a time: 16 MiB. */
    private static final int HEAD_FLOATS = 1 << 22;

    private final SessionMemory memory;
    private final Lane[] lanes;
    private final List<PreparedStep> steps = new ArrayList<>();
    private final List<AddPartialsStep> sums = new ArrayList<>();
    /** Inputs of gelu that nothing but its gradient reads again, so that the slope can take their place. */
    private final Set<Value> sloped;

    private @Nullable Floats ones;
    private int partials;

    private Lowering(Program program, SessionMemory memory, Lane[] lanes) {
        this.sloped = sloped(program);
        this.memory = memory;
        this.lanes = lanes;
    }

    /** The steps of {@code program} for {@code lanes}. */
    static List<PreparedStep> steps(Program program, SessionMemory memory, Lane[] lanes) {
        Lowering lowering = new Lowering(program, memory, lanes);
        program.instructions().forEach(lowering::lower);
        lowering.sums.forEach(step -> lowering.steps.add(new PreparedStep(null, step)));
        return lowering.steps;
    }

    /** {@code count} lanes with the scratch that {@code program} needs. */
    static Lane[] lanes(Program program, SessionMemory memory, int count) {
        int widest = program.spec().context();
        int sums = 0;
        int scratch = 0;
        for (Instruction instruction : program.instructions()) {
            for (Value value : instruction.writes()) {
                widest = Math.max(widest, value.columns());
                sums += value.storage() == Value.Storage.GRADIENT && value.rows() == 1 ? value.columns() : 0;
            }
            if (instruction instanceof HeadLoss head) {
                widest = Math.max(widest, head.table().rows());
            } else if (instruction instanceof Attention attention) {
                scratch = Math.max(
                        scratch,
                        shape(attention.qkv(), attention.sequences(), attention.heads())
                                .scores());
            } else if (instruction instanceof AttentionGrad grad) {
                scratch = Math.max(
                        scratch,
                        2 * shape(grad.qkv(), grad.sequences(), grad.heads()).scores());
            }
        }
        Lane[] lanes = new Lane[count];
        for (int i = 0; i < count; i++) {
            lanes[i] = new Lane(i, count, widest, sums, memory.scratch(scratch));
        }
        return lanes;
    }

    private void lower(Instruction instruction) {
        if (instruction instanceof MatMul m) {
            emit(m, matMul(m));
        } else if (instruction instanceof HeadLoss m) {
            head(m);
        } else if (instruction instanceof CrossEntropy m) {
            emit(m, crossEntropy(m));
            emit(m, new MeanStep(floats(m.losses()), floats(m.loss())));
        } else {
            Step step = forward(instruction);
            emit(instruction, step == null ? gradient(instruction) : step);
        }
    }

    private @Nullable Step forward(Instruction instruction) {
        if (instruction instanceof Embedding m) {
            return new EmbeddingStep(
                    memory.ints(m.tokens()),
                    floats(m.tokenTable()),
                    floats(m.positionTable()),
                    floats(m.out()),
                    m.positionTable().rows(),
                    m.out().columns());
        } else if (instruction instanceof LayerNorm m) {
            return new LayerNormStep(
                    floats(m.x()),
                    floats(m.gain()),
                    floats(m.bias()),
                    m.epsilon(),
                    floats(m.y()),
                    floats(m.mean()),
                    floats(m.rstd()),
                    m.x().rows(),
                    m.x().columns());
        } else if (instruction instanceof Attention m) {
            return new AttentionStep(
                    floats(m.qkv()), floats(m.y()), floats(m.logSumExp()), shape(m.qkv(), m.sequences(), m.heads()));
        } else if (instruction instanceof Gelu m) {
            return new GeluStep(floats(m.x()), floats(m.y()), m.x().length(), sloped.contains(m.x()));
        } else if (instruction instanceof Silu m) {
            return new SiluStep(floats(m.x()), floats(m.y()), m.x().length());
        } else if (instruction instanceof Add m) {
            return new AddStep(floats(m.a()), floats(m.b()), floats(m.c()), m.c().length());
        } else if (instruction instanceof RouterScores m) {
            return new RouterScoresStep(
                    floats(m.x()), floats(m.w()), floats(m.scores()), m.x().rows(), m.x().columns());
        } else if (instruction instanceof TopK m) {
            return new TopKStep(
                    floats(m.scores()),
                    memory.ints(m.index()),
                    floats(m.mask()),
                    m.sequences(),
                    m.scores().rows() / m.sequences(),
                    m.k(),
                    m.positive());
        } else if (instruction instanceof RandomScores m) {
            return new RandomScoresStep(memory.seed(), m.block(), floats(m.scores()));
        } else if (instruction instanceof BalanceLoss m) {
            return new BalanceLossStep(floats(m.scores()), m.capacity(), floats(m.loss()));
        } else if (instruction instanceof MeanSquare m) {
            return new MeanSquareStep(floats(m.z()), floats(m.loss()));
        } else if (instruction instanceof Gather m) {
            return new GatherStep(floats(m.x()), memory.ints(m.index()), floats(m.y()), m.x().columns());
        } else if (instruction instanceof ScatterGated m) {
            return new ScatterGatedStep(
                    floats(m.x()),
                    memory.ints(m.index()),
                    floats(m.scores()),
                    floats(m.delta()),
                    m.gate(),
                    m.positive(),
                    floats(m.y()),
                    m.x().rows(),
                    m.x().columns());
        } else if (instruction instanceof BinaryCrossEntropy m) {
            return new BinaryCrossEntropyStep(floats(m.z()), floats(m.mask()), floats(m.loss()));
        } else if (instruction instanceof WeightedSum m) {
            return new WeightedSumStep(
                    m.terms().stream().map(this::floats).toArray(Floats[]::new),
                    m.weights().stream().mapToDouble(w -> w).toArray(),
                    floats(m.total()));
        }
        return null;
    }

    private Step gradient(Instruction instruction) {
        if (instruction instanceof EmbeddingGrad m) {
            return new EmbeddingGradStep(
                    memory.ints(m.tokens()),
                    floats(m.dOut()),
                    floats(m.dTokenTable()),
                    floats(m.dPositionTable()),
                    m.dPositionTable().rows(),
                    m.dOut().columns());
        } else if (instruction instanceof LayerNormGrad m) {
            return new LayerNormGradStep(
                    floats(m.x()),
                    floats(m.gain()),
                    floats(m.mean()),
                    floats(m.rstd()),
                    floats(m.dy()),
                    optional(m.addend()),
                    floats(m.dx()),
                    sumOver(m.dGain()),
                    sumOver(m.dBias()),
                    m.x().rows(),
                    m.x().columns());
        } else if (instruction instanceof ColumnSum m) {
            return new ColumnSumStep(
                    floats(m.dy()), ones(m.dy().rows()), floats(m.dBias()), m.dy().rows(), m.dy().columns());
        } else if (instruction instanceof AttentionGrad m) {
            return new AttentionGradStep(
                    floats(m.qkv()),
                    floats(m.logSumExp()),
                    floats(m.dy()),
                    floats(m.dqkv()),
                    shape(m.qkv(), m.sequences(), m.heads()));
        } else if (instruction instanceof GeluGrad m) {
            return sloped.contains(m.x())
                    ? new ProductStep(floats(m.x()), floats(m.dy()), floats(m.dx()), m.x().length())
                    : new GeluGradStep(floats(m.x()), floats(m.dy()), floats(m.dx()), m.x().length());
        } else if (instruction instanceof SiluGrad m) {
            return new SiluGradStep(floats(m.x()), floats(m.dy()), floats(m.dx()), m.x().length());
        } else if (instruction instanceof RouterScoresGrad m) {
            return new RouterScoresGradStep(
                    floats(m.x()),
                    floats(m.w()),
                    floats(m.dScores()),
                    optional(m.addend()),
                    floats(m.dx()),
                    floats(m.dW()),
                    m.x().rows(),
                    m.x().columns());
        } else if (instruction instanceof GatherGrad m) {
            return new GatherGradStep(
                    memory.ints(m.index()),
                    floats(m.dy()),
                    optional(m.addend()),
                    floats(m.dx()),
                    m.dx().rows(),
                    m.dx().columns());
        } else if (instruction instanceof ScatterGatedGrad m) {
            return new ScatterGatedGradStep(
                    memory.ints(m.index()),
                    floats(m.scores()),
                    floats(m.delta()),
                    m.gate(),
                    m.positive(),
                    floats(m.dy()),
                    optional(m.addend()),
                    floats(m.dDelta()),
                    floats(m.dScores()),
                    m.dy().rows(),
                    m.dy().columns());
        } else if (instruction instanceof CrossEntropyGrad m) {
            return new CrossEntropyGradStep(
                    floats(m.logits()),
                    memory.ints(m.targets()),
                    floats(m.logSumExp()),
                    m.weight(),
                    floats(m.dLogits()),
                    m.logits().rows(),
                    m.logits().columns());
        } else if (instruction instanceof BinaryCrossEntropyGrad m) {
            return new BinaryCrossEntropyGradStep(
                    floats(m.z()), floats(m.mask()), m.weight(), optional(m.addend()), floats(m.dz()));
        }
        if (instruction instanceof BalanceLossGrad m) {
            return new BalanceLossGradStep(
                    floats(m.scores()), m.capacity(), m.weight(), optional(m.addend()), floats(m.dScores()));
        } else if (instruction instanceof MeanSquareGrad m) {
            return new MeanSquareGradStep(floats(m.z()), m.weight(), optional(m.addend()), floats(m.dz()));
        }
        throw new IllegalArgumentException(
                "no kernel for " + instruction.getClass().getSimpleName());
    }

    private Step matMul(MatMul m) {
        return new MatMulStep(
                floats(m.a()),
                m.a().columns(),
                m.transposeA(),
                floats(m.b()),
                m.b().columns(),
                m.transposeB(),
                optional(m.bias()),
                optional(m.addend()),
                floats(m.c()),
                m.c().rows(),
                m.c().columns(),
                m.inner(),
                m.c().storage() == Value.Storage.GRADIENT);
    }

    private Step crossEntropy(CrossEntropy m) {
        return new CrossEntropyStep(
                floats(m.logits()),
                memory.ints(m.targets()),
                floats(m.losses()),
                floats(m.logSumExp()),
                m.logits().rows(),
                m.logits().columns());
    }

    private void head(HeadLoss m) {
        int rows = m.x().rows();
        int vocabulary = m.table().rows();
        int width = m.x().columns();
        int block = Math.max(1, Math.min(rows, HEAD_FLOATS / vocabulary));
        Floats logits = memory.scratch(block * vocabulary);
        int[] targets = memory.ints(m.targets());
        for (int first = 0; first < rows; first += block) {
            int n = Math.min(block, rows - first);
            emit(
                    m,
                    new HeadRowsStep(
                            floats(m.x()),
                            floats(m.table()),
                            targets,
                            m.weight(),
                            floats(m.losses()),
                            floats(m.dx()),
                            logits,
                            rows,
                            first,
                            n,
                            width,
                            vocabulary));
            emit(m, new HeadTableStep(floats(m.x()), floats(m.dTable()), logits, first, n, width, vocabulary));
        }
        emit(m, new MeanStep(floats(m.losses()), floats(m.loss())));
    }

    private void emit(Instruction source, Step step) {
        steps.add(new PreparedStep(source, step));
    }

    private Floats floats(Value value) {
        return memory.floats(value);
    }

    private @Nullable Floats optional(@Nullable Value value) {
        return value == null ? null : memory.floats(value);
    }

    /** A place in the lanes' partials for a sum over rows that ends in {@code gradient}. */
    private int sumOver(Value gradient) {
        int at = partials;
        partials += gradient.length();
        sums.add(new AddPartialsStep(lanes, at, floats(gradient), gradient.length()));
        return at;
    }

    private static Set<Value> sloped(Program program) {
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

    /** At least {@code length} ones. */
    private Floats ones(int length) {
        if (ones == null || ones.length() < length) {
            ones = memory.scratch(length);
            for (int i = 0; i < length; i++) {
                ones.put(i, 1f);
            }
        }
        return ones;
    }

    private static AttentionShape shape(Value qkv, int sequences, int heads) {
        return new AttentionShape(sequences, qkv.rows() / sequences, heads, qkv.columns() / 3);
    }
}
