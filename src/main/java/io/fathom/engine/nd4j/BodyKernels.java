package io.fathom.engine.nd4j;

import io.fathom.program.Instruction.Add;
import io.fathom.program.Instruction.ColumnSum;
import io.fathom.program.Instruction.Embedding;
import io.fathom.program.Instruction.EmbeddingGrad;
import io.fathom.program.Instruction.Gelu;
import io.fathom.program.Instruction.GeluGrad;
import io.fathom.program.Instruction.LayerNorm;
import io.fathom.program.Instruction.LayerNormGrad;
import io.fathom.program.Instruction.MatMul;
import io.fathom.program.Instruction.Silu;
import io.fathom.program.Instruction.SiluGrad;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Embedding, norms, products and activations: what every token of a block goes through. */
final class BodyKernels extends KernelGroup {
    private static final double GELU_C = Math.sqrt(2 / Math.PI);
    private static final double GELU_A = 0.044715;

    BodyKernels(Cells cells) {
        super(cells);
        on(Embedding.class, this::embedding);
        on(EmbeddingGrad.class, this::embeddingGrad);
        on(LayerNorm.class, this::layerNorm);
        on(LayerNormGrad.class, this::layerNormGrad);
        on(MatMul.class, this::matMul);
        on(ColumnSum.class, i -> cells.put(i.dBias(), real(i.dy()).sum(true, 0)));
        on(Gelu.class, this::gelu);
        on(GeluGrad.class, this::geluGrad);
        on(Silu.class, i -> cells.put(i.y(), real(i.x()).mul(sigmoid(real(i.x())))));
        on(SiluGrad.class, this::siluGrad);
        on(Add.class, i -> cells.put(i.c(), real(i.a()).add(real(i.b()))));
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
}
