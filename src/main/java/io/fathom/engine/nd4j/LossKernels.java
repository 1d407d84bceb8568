package io.fathom.engine.nd4j;

import io.fathom.program.Instruction.BalanceLoss;
import io.fathom.program.Instruction.BalanceLossGrad;
import io.fathom.program.Instruction.BinaryCrossEntropy;
import io.fathom.program.Instruction.BinaryCrossEntropyGrad;
import io.fathom.program.Instruction.CrossEntropy;
import io.fathom.program.Instruction.CrossEntropyGrad;
import io.fathom.program.Instruction.HeadLoss;
import io.fathom.program.Instruction.MeanSquare;
import io.fathom.program.Instruction.MeanSquareGrad;
import io.fathom.program.Instruction.WeightedSum;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Losses and their gradients. */
final class LossKernels extends KernelGroup {
    LossKernels(Cells cells) {
        super(cells);
        on(CrossEntropy.class, this::crossEntropy);
        on(CrossEntropyGrad.class, this::crossEntropyGrad);
        on(HeadLoss.class, this::headLoss);
        on(BinaryCrossEntropy.class, this::binaryCrossEntropy);
        on(BinaryCrossEntropyGrad.class, this::binaryCrossEntropyGrad);
        on(BalanceLoss.class, this::balance);
        on(BalanceLossGrad.class, this::balanceGrad);
        on(
                MeanSquare.class,
                i -> cells.put(i.loss(), real(i.z()).mul(real(i.z())).mean(true, 0)));
        on(
                MeanSquareGrad.class,
                i -> cells.put(i.dz(), plus(real(i.z()).mul(2 * i.weight() / i.z().rows()), i.addend())));
        on(WeightedSum.class, this::weightedSum);
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

    /** log(1 + exp(x)) without overflow: max(x, 0) + log(1 + exp(-|x|)). */
    private static INDArray softplus(INDArray x) {
        return Transforms.max(x, 0, true)
                .addi(Transforms.log(
                        Transforms.exp(Transforms.abs(x, true).negi()).addi(1)));
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

    private void weightedSum(WeightedSum i) {
        INDArray total = zeros(1, 1);
        for (int term = 0; term < i.terms().size(); term++) {
            total.addi(real(i.terms().get(term)).mul(i.weights().get(term)));
        }
        cells.put(i.total(), total);
    }
}
