package io.fathom.engine.nd4j;

import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import io.fathom.model.Gate;
import io.fathom.model.Noise;
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
import io.fathom.program.Value;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Each instruction as the formula of its Javadoc, in ND4J operations. */
final class Kernels {
    private static final double GELU_C = Math.sqrt(2 / Math.PI);
    private static final double GELU_A = 0.044715;

    private final Cells cells;
    private final Map<Class<? extends Instruction>, Consumer<Instruction>> table = new HashMap<>();

    Kernels(Cells cells) {
        this.cells = cells;
        on(Embedding.class, this::embedding);
        on(LayerNorm.class, this::layerNorm);
        on(MatMul.class, this::matMul);
        on(Attention.class, this::attention);
        on(Gelu.class, this::gelu);
        on(Silu.class, i -> cells.put(i.y(), real(i.x()).mul(sigmoid(real(i.x())))));
        on(Add.class, i -> cells.put(i.c(), real(i.a()).add(real(i.b()))));
        on(
                RouterScores.class,
                i -> cells.put(i.scores(), real(i.x()).mmul(real(i.w()).transpose())));
        on(RandomScores.class, this::randomScores);
        on(TopK.class, this::topK);
        on(Gather.class, i -> cells.put(i.y(), rows(real(i.x()), cells.ints(i.index()))));
        on(ScatterGated.class, this::scatterGated);
        on(CrossEntropy.class, this::crossEntropy);
        on(BinaryCrossEntropy.class, this::binaryCrossEntropy);
        on(BalanceLoss.class, this::balance);
        on(
                MeanSquare.class,
                i -> cells.put(i.loss(), real(i.z()).mul(real(i.z())).mean(true, 0)));
        on(WeightedSum.class, this::weightedSum);
        on(EmbeddingGrad.class, this::embeddingGrad);
        on(LayerNormGrad.class, this::layerNormGrad);
        on(ColumnSum.class, i -> cells.put(i.dBias(), real(i.dy()).sum(true, 0)));
        on(AttentionGrad.class, this::attentionGrad);
        on(GeluGrad.class, this::geluGrad);
        on(SiluGrad.class, this::siluGrad);
        on(RouterScoresGrad.class, this::routerScoresGrad);
        on(GatherGrad.class, this::gatherGrad);
        on(ScatterGatedGrad.class, this::scatterGatedGrad);
        on(CrossEntropyGrad.class, this::crossEntropyGrad);
        on(BinaryCrossEntropyGrad.class, this::binaryCrossEntropyGrad);
        on(BalanceLossGrad.class, this::balanceGrad);
        on(
                MeanSquareGrad.class,
                i -> cells.put(i.dz(), plus(real(i.z()).mul(2 * i.weight() / i.z().rows()), i.addend())));
        on(HeadLoss.class, this::headLoss);
    }

    private <I extends Instruction> void on(Class<I> kind, Consumer<I> kernel) {
        table.put(kind, instruction -> kernel.accept(kind.cast(instruction)));
    }

    void run(Instruction instruction) {
        Consumer<Instruction> kernel = table.get(instruction.getClass());
        if (kernel == null) {
            throw new IllegalStateException("the nd4j engine has no kernel for " + instruction.getClass());
        }
        kernel.accept(instruction);
    }

    private INDArray real(Value value) {
        return cells.real(value);
    }

    private INDArray plus(INDArray result, @Nullable Value addend) {
        return addend == null ? result : result.add(real(addend));
    }

    private static INDArray indices(int[] index) {
        return Nd4j.createFromArray(index);
    }

    private static INDArray rows(INDArray x, int[] index) {
        return Nd4j.exec(DynamicCustomOp.builder("gather")
                .addInputs(x, indices(index))
                .addIntegerArguments(0)
                .build())[0];
    }

    /** target[index[i]] += update[i], in place. */
    private static void scatterAdd(INDArray target, int[] index, INDArray update) {
        Nd4j.exec(DynamicCustomOp.builder("scatter_add")
                .addInputs(target, indices(index), update)
                .addOutputs(target)
                .build());
    }

    private static INDArray sigmoid(INDArray x) {
        return Transforms.sigmoid(x, true);
    }

    /** log(1 + exp(x)) without overflow: max(x, 0) + log(1 + exp(-|x|)). */
    private static INDArray softplus(INDArray x) {
        return Transforms.max(x, 0, true)
                .addi(Transforms.log(
                        Transforms.exp(Transforms.abs(x, true).negi()).addi(1)));
    }

    private INDArray zeros(int rows, int columns) {
        return Nd4j.zeros(cells.type, rows, columns);
    }

    private static int[] positions(int tokens, int length) {
        return IntStream.range(0, tokens).map(i -> i % length).toArray();
    }

    private void embedding(Embedding i) {
        int[] tokens = cells.ints(i.tokens());
        INDArray table = real(i.tokenTable());
        for (int token : tokens) {
            if (token < 0 || token >= i.tokenTable().rows()) {
                throw new IllegalArgumentException("token " + token + " is outside the vocabulary of "
                        + i.tokenTable().rows());
            }
        }
        INDArray where = rows(
                real(i.positionTable()),
                positions(tokens.length, i.positionTable().rows()));
        cells.put(i.out(), rows(table, tokens).addi(where));
    }

    private void embeddingGrad(EmbeddingGrad i) {
        int[] tokens = cells.ints(i.tokens());
        INDArray dOut = real(i.dOut());
        scatterAdd(real(i.dTokenTable()), tokens, dOut);
        scatterAdd(
                real(i.dPositionTable()),
                positions(tokens.length, i.dPositionTable().rows()),
                dOut);
    }

    private void layerNorm(LayerNorm i) {
        INDArray x = real(i.x());
        INDArray mean = x.mean(true, 1);
        INDArray centred = x.sub(mean);
        INDArray rstd = Transforms.pow(centred.mul(centred).mean(true, 1).addi(i.epsilon()), -0.5);
        cells.put(i.mean(), mean);
        cells.put(i.rstd(), rstd);
        cells.put(i.y(), centred.mul(rstd).mul(real(i.gain())).add(real(i.bias())));
    }

    private void layerNormGrad(LayerNormGrad i) {
        INDArray rstd = real(i.rstd());
        INDArray xhat = real(i.x()).sub(real(i.mean())).mul(rstd);
        INDArray dy = real(i.dy());
        INDArray u = dy.mul(real(i.gain()));
        INDArray dx =
                u.sub(u.mean(true, 1)).sub(xhat.mul(u.mul(xhat).mean(true, 1))).mul(rstd);
        cells.put(i.dx(), plus(dx, i.addend()));
        cells.put(i.dGain(), dy.mul(xhat).sum(true, 0));
        cells.put(i.dBias(), dy.sum(true, 0));
    }

    private void matMul(MatMul i) {
        INDArray a = i.transposeA() ? real(i.a()).transpose() : real(i.a());
        INDArray b = i.transposeB() ? real(i.b()).transpose() : real(i.b());
        INDArray c = a.mmul(b).dup('c');
        if (i.bias() != null) {
            c.addi(real(i.bias()));
        }
        cells.put(i.c(), plus(c, i.addend()));
    }

    /** Calls {@code body} with (row range, head column range offsets) for each sequence and head. */
    private interface HeadBody {
        void run(int firstRow, int firstColumn, int matrix);
    }

    private static void heads(int sequences, int heads, int length, int headWidth, HeadBody body) {
        for (int b = 0; b < sequences; b++) {
            for (int h = 0; h < heads; h++) {
                body.run(b * length, h * headWidth, b * heads + h);
            }
        }
    }

    private static INDArray part(INDArray matrix, int row, int rows, int column, int columns) {
        return matrix.get(interval(row, row + rows), interval(column, column + columns))
                .dup('c');
    }

    private static void set(INDArray matrix, int row, int column, INDArray part) {
        matrix.get(interval(row, row + part.rows()), interval(column, column + part.columns()))
                .assign(part);
    }

    /** Scores of one head below and on the diagonal; far below any logit above it. */
    private INDArray scores(INDArray q, INDArray k) {
        int n = q.rows();
        INDArray s = q.mmul(k.transpose()).muli(1 / Math.sqrt(q.columns())).dup('c');
        for (int t = 0; t + 1 < n; t++) {
            s.get(interval(t, t + 1), interval(t + 1, n)).assign(-1e30);
        }
        return s;
    }

    private void attention(Attention i) {
        INDArray qkv = real(i.qkv());
        int d = i.y().columns();
        int n = i.length();
        int w = d / i.heads();
        INDArray y = zeros(i.y().rows(), d);
        INDArray lse = zeros(i.logSumExp().rows(), n);
        heads(i.sequences(), i.heads(), n, w, (row, column, matrix) -> {
            INDArray s = scores(part(qkv, row, n, column, w), part(qkv, row, n, d + column, w));
            INDArray max = s.max(true, 1);
            INDArray p = Transforms.exp(s.sub(max));
            INDArray sum = p.sum(true, 1);
            set(y, row, column, p.div(sum).mmul(part(qkv, row, n, 2 * d + column, w)));
            set(lse, matrix, 0, Transforms.log(sum).add(max).reshape(1, n));
        });
        cells.put(i.y(), y);
        cells.put(i.logSumExp(), lse);
    }

    private void attentionGrad(AttentionGrad i) {
        INDArray qkv = real(i.qkv());
        INDArray dy = real(i.dy());
        INDArray lse = real(i.logSumExp());
        int d = i.y().columns();
        int n = i.length();
        int w = d / i.heads();
        INDArray dqkv = zeros(i.dqkv().rows(), i.dqkv().columns());
        heads(i.sequences(), i.heads(), n, w, (row, column, matrix) -> {
            INDArray q = part(qkv, row, n, column, w);
            INDArray k = part(qkv, row, n, d + column, w);
            INDArray v = part(qkv, row, n, 2 * d + column, w);
            INDArray g = part(dy, row, n, column, w);
            INDArray p =
                    Transforms.exp(scores(q, k).sub(part(lse, matrix, 1, 0, n).reshape(n, 1)));
            INDArray dp = g.mmul(v.transpose());
            INDArray ds = dp.sub(dp.mul(p).sum(true, 1)).mul(p).mul(1 / Math.sqrt(w));
            set(dqkv, row, column, ds.mmul(k));
            set(dqkv, row, d + column, ds.transpose().mmul(q));
            set(dqkv, row, 2 * d + column, p.transpose().mmul(g));
        });
        cells.put(i.dqkv(), dqkv);
    }

    private static INDArray geluTanh(INDArray x) {
        INDArray cube = x.mul(x).mul(x);
        return Transforms.tanh(cube.mul(GELU_A).add(x).mul(GELU_C), true);
    }

    private void gelu(Gelu i) {
        INDArray x = real(i.x());
        cells.put(i.y(), geluTanh(x).add(1).mul(x).mul(0.5));
    }

    private void geluGrad(GeluGrad i) {
        INDArray x = real(i.x());
        INDArray t = geluTanh(x);
        INDArray du = x.mul(x).mul(3 * GELU_A).add(1).mul(GELU_C);
        INDArray slope = t.mul(t).rsub(1).mul(x).mul(du).add(t).add(1).mul(0.5);
        cells.put(i.dx(), slope.mul(real(i.dy())));
    }

    private void siluGrad(SiluGrad i) {
        INDArray x = real(i.x());
        INDArray s = sigmoid(x);
        cells.put(i.dx(), s.rsub(1).mul(x).add(1).mul(s).mul(real(i.dy())));
    }

    private void routerScoresGrad(RouterScoresGrad i) {
        INDArray dScores = real(i.dScores());
        cells.put(i.dx(), plus(dScores.mmul(real(i.w())).dup('c'), i.addend()));
        cells.put(i.dW(), dScores.transpose().mmul(real(i.x())));
    }

    private void topK(TopK i) {
        double[] scores = cells.doubles(i.scores());
        int length = scores.length / i.sequences();
        int[] index = new int[i.sequences() * i.k()];
        INDArray mask = zeros(scores.length, 1);
        for (int b = 0; b < i.sequences(); b++) {
            int first = b * length;
            int[] chosen = IntStream.range(first, first + length)
                    .boxed()
                    .sorted(Comparator.comparingDouble((Integer t) -> -scores[t])
                            .thenComparing(t -> t))
                    .limit(i.k())
                    .sorted(Comparator.comparing((Integer t) -> i.positive() && scores[t] <= 0)
                            .thenComparing(t -> t))
                    .mapToInt(Integer::intValue)
                    .toArray();
            System.arraycopy(chosen, 0, index, b * i.k(), i.k());
            for (int row : chosen) {
                mask.putScalar(row, 0, i.positive() && scores[row] <= 0 ? 0 : 1);
            }
        }
        cells.put(i.index(), index);
        cells.put(i.mask(), mask);
    }

    private static INDArray gate(Gate gate, INDArray r) {
        return switch (gate) {
            case SIGMOID -> sigmoid(r);
            case RAW -> r;
            case TANH -> Transforms.tanh(r, true);
        };
    }

    private static INDArray gateSlope(Gate gate, INDArray r) {
        INDArray g = gate(gate, r);
        return switch (gate) {
            case SIGMOID -> g.rsub(1).mul(g);
            case RAW -> Nd4j.onesLike(r);
            case TANH -> g.mul(g).rsub(1);
        };
    }

    /** {@code factor} where r > 0 or all count, else 0. */
    private INDArray cut(boolean positive, INDArray r, INDArray factor) {
        return positive ? factor.mul(r.gt(0).castTo(cells.type)) : factor;
    }

    private void randomScores(RandomScores i) {
        double[] scores = new double[i.scores().rows()];
        for (int row = 0; row < scores.length; row++) {
            scores[row] = (float) Noise.gaussian(cells.seed(), i.block(), row);
        }
        cells.put(i.scores(), Nd4j.createFromArray(scores).castTo(cells.type));
    }

    private void balance(BalanceLoss i) {
        INDArray r = real(i.scores());
        double f = r.gt(0).castTo(cells.type).meanNumber().doubleValue();
        double p = sigmoid(r).meanNumber().doubleValue();
        cells.put(i.loss(), zeros(1, 1).addi(BalanceLoss.value(f, p, i.capacity())));
    }

    private void balanceGrad(BalanceLossGrad i) {
        INDArray s = sigmoid(real(i.scores()));
        double f = real(i.scores()).gt(0).castTo(cells.type).meanNumber().doubleValue();
        double scale = i.weight() / i.scores().rows() * BalanceLoss.slope(f, i.capacity());
        cells.put(i.dScores(), plus(s.rsub(1).mul(s).mul(scale), i.addend()));
    }

    private void scatterGated(ScatterGated i) {
        int[] index = cells.ints(i.index());
        INDArray r = rows(real(i.scores()), index);
        INDArray g = cut(i.positive(), r, gate(i.gate(), r));
        INDArray y = real(i.x()).dup('c');
        scatterAdd(y, index, real(i.delta()).mul(g));
        cells.put(i.y(), y);
    }

    private void scatterGatedGrad(ScatterGatedGrad i) {
        int[] index = cells.ints(i.index());
        INDArray r = rows(real(i.scores()), index);
        INDArray dy = rows(real(i.dy()), index);
        cells.put(i.dDelta(), dy.mul(cut(i.positive(), r, gate(i.gate(), r))));
        INDArray dScores = plus(zeros(i.dScores().rows(), 1), i.addend());
        scatterAdd(
                dScores, index, dy.mul(real(i.delta())).sum(true, 1).mul(cut(i.positive(), r, gateSlope(i.gate(), r))));
        cells.put(i.dScores(), dScores);
    }

    private void gatherGrad(GatherGrad i) {
        INDArray dx = plus(zeros(i.dx().rows(), i.dx().columns()), i.addend());
        scatterAdd(dx, cells.ints(i.index()), real(i.dy()));
        cells.put(i.dx(), dx);
    }

    private static INDArray logSumExp(INDArray logits) {
        INDArray max = logits.max(true, 1);
        return Transforms.log(Transforms.exp(logits.sub(max)).sum(true, 1)).add(max);
    }

    private INDArray oneHot(int[] targets, int columns) {
        INDArray hot = zeros(targets.length, columns);
        for (int row = 0; row < targets.length; row++) {
            hot.putScalar(row, targets[row], 1);
        }
        return hot;
    }

    private INDArray losses(INDArray logits, INDArray logSumExp, int[] targets) {
        return logSumExp.sub(logits.mul(oneHot(targets, logits.columns())).sum(true, 1));
    }

    private void crossEntropy(CrossEntropy i) {
        INDArray logits = real(i.logits());
        INDArray lse = logSumExp(logits);
        INDArray losses = losses(logits, lse, cells.ints(i.targets()));
        cells.put(i.logSumExp(), lse);
        cells.put(i.losses(), losses);
        cells.put(i.loss(), losses.mean(true, 0));
    }

    private INDArray dLogits(INDArray logits, INDArray logSumExp, int[] targets, double weight) {
        return Transforms.exp(logits.sub(logSumExp))
                .sub(oneHot(targets, logits.columns()))
                .mul(weight / logits.rows());
    }

    private void crossEntropyGrad(CrossEntropyGrad i) {
        cells.put(i.dLogits(), dLogits(real(i.logits()), real(i.logSumExp()), cells.ints(i.targets()), i.weight()));
    }

    private void headLoss(HeadLoss i) {
        INDArray x = real(i.x());
        INDArray table = real(i.table());
        int[] targets = cells.ints(i.targets());
        INDArray logits = x.mmul(table.transpose()).dup('c');
        INDArray lse = logSumExp(logits);
        INDArray losses = losses(logits, lse, targets);
        INDArray d = dLogits(logits, lse, targets, i.weight());
        cells.put(i.losses(), losses);
        cells.put(i.loss(), losses.mean(true, 0));
        cells.put(i.dx(), d.mmul(table).dup('c'));
        cells.put(i.dTable(), d.transpose().mmul(x));
    }

    private void binaryCrossEntropy(BinaryCrossEntropy i) {
        INDArray z = real(i.z());
        cells.put(i.loss(), softplus(z).sub(z.mul(real(i.mask()))).mean(true, 0));
    }

    private void binaryCrossEntropyGrad(BinaryCrossEntropyGrad i) {
        INDArray z = real(i.z());
        INDArray dz = sigmoid(z).sub(real(i.mask())).mul(i.weight() / z.rows());
        cells.put(i.dz(), plus(dz, i.addend()));
    }

    private void weightedSum(WeightedSum i) {
        INDArray total = zeros(1, 1);
        for (int term = 0; term < i.terms().size(); term++) {
            total.addi(real(i.terms().get(term)).mul(i.weights().get(term)));
        }
        cells.put(i.total(), total);
    }
}
