package io.fathom.program;

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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reverse-mode differentiation: appends to a forward pass the instructions that make the gradient of {@code total}.
 *
 * <p>Walks the forward instructions backwards and keeps, for every value, the gradient gathered so far. Where a value
 * has several readers, each further contribution takes the former as its addend, so that sums cost no instruction of
 * their own.
 */
final class Differentiation {
    private final Forward pass;
    private final Map<Value, Value> gradients = new HashMap<>();
    /** d total / d scalar for the losses, known when compiling. */
    private final Map<Value, Double> weights = new HashMap<>();

    private Differentiation(Forward pass) {
        this.pass = pass;
    }

    /**
     * Appends the gradient instructions of output {@code total} to {@code pass}. Returns the gradients of values that
     * no instruction of it makes and that are not parameters of a product, a norm or a table.
     */
    static Map<Value, Value> append(Forward pass, Value total) {
        Differentiation differentiation = new Differentiation(pass);
        differentiation.weights.put(total, 1.0);
        List<Instruction> forward = List.copyOf(pass.instructions);
        for (int i = forward.size() - 1; i >= 0; i--) {
            differentiation.reverse(forward.get(i));
        }
        return differentiation.gradients;
    }

    private void reverse(Instruction instruction) {
        if (instruction instanceof WeightedSum sum) {
            weightedSum(sum);
        } else if (instruction instanceof HeadLoss head) {
            // The fused head made dx on the way forward.
            gradients.put(head.x(), head.dx());
        } else if (instruction instanceof CrossEntropy ce) {
            crossEntropy(ce);
        } else if (instruction instanceof BinaryCrossEntropy bce) {
            binaryCrossEntropy(bce);
        } else if (instruction instanceof ScatterGated scatter) {
            scatterGated(scatter);
        } else if (instruction instanceof Gather gather) {
            gather(gather);
        } else if (instruction instanceof RouterScores scores) {
            routerScores(scores);
        } else if (instruction instanceof Add add) {
            add(add);
        } else if (instruction instanceof MatMul product) {
            matMul(product);
        } else if (instruction instanceof LayerNorm norm) {
            layerNorm(norm);
        } else if (instruction instanceof Attention attention) {
            attention(attention);
        } else if (instruction instanceof Gelu gelu) {
            gelu(gelu);
        } else if (instruction instanceof Silu silu) {
            silu(silu);
        } else if (instruction instanceof Embedding embedding) {
            embedding(embedding);
        } else if (instruction instanceof BalanceLoss balance) {
            balance(balance);
        } else if (instruction instanceof MeanSquare square) {
            meanSquare(square);
        } else if (!(instruction instanceof TopK) && !(instruction instanceof RandomScores)) {
            throw new IllegalArgumentException("no gradient rule for "
                    + instruction.getClass().getSimpleName() + ": it is itself part of a gradient");
        }
    }

    private Value fresh(Value of) {
        return pass.like("d/" + of.name(), of);
    }

    private @Nullable Value take(Value of) {
        return gradients.remove(of);
    }

    /** Adds {@code gradient}, an existing value, to the gradient of {@code of}. */
    private void share(Value of, Value gradient) {
        Value before = gradients.get(of);
        if (before == null) {
            gradients.put(of, gradient);
        } else {
            Value sum = fresh(of);
            pass.emit(new Add(before, gradient, sum));
            gradients.put(of, sum);
        }
    }

    private void weightedSum(WeightedSum sum) {
        double outer = weights.getOrDefault(sum.total(), 0.0);
        for (int i = 0; i < sum.terms().size(); i++) {
            weights.merge(sum.terms().get(i), outer * sum.weights().get(i), Double::sum);
        }
    }

    private void crossEntropy(CrossEntropy ce) {
        double weight = weights.getOrDefault(ce.loss(), 0.0);
        if (weight != 0) {
            Value dLogits = fresh(ce.logits());
            pass.emit(new CrossEntropyGrad(ce.logits(), ce.targets(), ce.logSumExp(), weight, dLogits));
            share(ce.logits(), dLogits);
        }
    }

    private void binaryCrossEntropy(BinaryCrossEntropy bce) {
        double weight = weights.getOrDefault(bce.loss(), 0.0);
        if (weight != 0) {
            Value dz = fresh(bce.z());
            pass.emit(new BinaryCrossEntropyGrad(bce.z(), bce.mask(), weight, take(bce.z()), dz));
            gradients.put(bce.z(), dz);
        }
    }

    private void balance(BalanceLoss balance) {
        double weight = weights.getOrDefault(balance.loss(), 0.0);
        if (weight != 0) {
            Value dScores = fresh(balance.scores());
            pass.emit(
                    new BalanceLossGrad(balance.scores(), balance.capacity(), weight, take(balance.scores()), dScores));
            gradients.put(balance.scores(), dScores);
        }
    }

    private void meanSquare(MeanSquare square) {
        double weight = weights.getOrDefault(square.loss(), 0.0);
        if (weight != 0) {
            Value dz = fresh(square.z());
            pass.emit(new MeanSquareGrad(square.z(), weight, take(square.z()), dz));
            gradients.put(square.z(), dz);
        }
    }

    private void scatterGated(ScatterGated scatter) {
        Value dy = take(scatter.y());
        if (dy == null) {
            return;
        }
        Value dDelta = fresh(scatter.delta());
        Value dScores = fresh(scatter.scores());
        pass.emit(new ScatterGatedGrad(
                scatter.index(),
                scatter.scores(),
                scatter.delta(),
                scatter.gate(),
                scatter.positive(),
                dy,
                take(scatter.scores()),
                dDelta,
                dScores));
        gradients.put(scatter.scores(), dScores);
        share(scatter.delta(), dDelta);
        share(scatter.x(), dy);
    }

    private void gather(Gather gather) {
        Value dy = take(gather.y());
        if (dy != null) {
            Value dx = fresh(gather.x());
            pass.emit(new GatherGrad(gather.index(), dy, take(gather.x()), dx));
            gradients.put(gather.x(), dx);
        }
    }

    private void routerScores(RouterScores router) {
        Value dScores = take(router.scores());
        if (dScores != null) {
            Value dx = fresh(router.x());
            pass.emit(new RouterScoresGrad(
                    router.x(), router.w(), dScores, take(router.x()), dx, pass.gradient(router.w())));
            gradients.put(router.x(), dx);
        }
    }

    private void add(Add add) {
        Value dc = take(add.c());
        if (dc != null) {
            share(add.a(), dc);
            share(add.b(), dc);
        }
    }

    /** For c = a op(b) + bias + addend: da = dc op(b)', db = a' dc (or dc' a), dbias = column sums, daddend = dc. */
    private void matMul(MatMul m) {
        Value dc = take(m.c());
        if (dc == null) {
            return;
        }
        if (m.transposeA()) {
            throw new IllegalArgumentException(m.c().name() + ": a forward product with a transposed left side");
        }
        if (m.bias() != null) {
            pass.emit(new ColumnSum(dc, pass.gradient(m.bias())));
        }
        boolean parameter = m.b().storage() == Value.Storage.PARAMETER;
        Value db = parameter ? pass.gradient(m.b()) : fresh(m.b());
        Value before = parameter ? null : take(m.b());
        pass.emit(
                m.transposeB()
                        ? new MatMul(dc, true, m.a(), false, null, before, db)
                        : new MatMul(m.a(), true, dc, false, null, before, db));
        if (!parameter) {
            gradients.put(m.b(), db);
        }
        if (!pass.detached.contains(m)) {
            Value da = fresh(m.a());
            pass.emit(new MatMul(dc, false, m.b(), !m.transposeB(), null, take(m.a()), da));
            gradients.put(m.a(), da);
        }
        if (m.addend() != null) {
            share(m.addend(), dc);
        }
    }

    private void layerNorm(LayerNorm norm) {
        Value dy = take(norm.y());
        if (dy != null) {
            Value dx = fresh(norm.x());
            pass.emit(new LayerNormGrad(
                    norm.x(),
                    norm.gain(),
                    norm.mean(),
                    norm.rstd(),
                    dy,
                    take(norm.x()),
                    dx,
                    pass.gradient(norm.gain()),
                    pass.gradient(norm.bias())));
            gradients.put(norm.x(), dx);
        }
    }

    private void attention(Attention a) {
        Value dy = take(a.y());
        if (dy != null) {
            Value dqkv = fresh(a.qkv());
            pass.emit(new AttentionGrad(a.qkv(), a.y(), a.logSumExp(), dy, a.sequences(), a.heads(), dqkv));
            share(a.qkv(), dqkv);
        }
    }

    private void gelu(Gelu gelu) {
        Value dy = take(gelu.y());
        if (dy != null) {
            Value dx = fresh(gelu.x());
            pass.emit(new GeluGrad(gelu.x(), dy, dx));
            share(gelu.x(), dx);
        }
    }

    private void silu(Silu silu) {
        Value dy = take(silu.y());
        if (dy != null) {
            Value dx = fresh(silu.x());
            pass.emit(new SiluGrad(silu.x(), dy, dx));
            share(silu.x(), dx);
        }
    }

    private void embedding(Embedding embedding) {
        Value dOut = take(embedding.out());
        if (dOut != null) {
            pass.emit(new EmbeddingGrad(
                    embedding.tokens(),
                    dOut,
                    pass.gradient(embedding.tokenTable()),
                    pass.gradient(embedding.positionTable())));
        }
    }
}
