package io.fathom.engine.cuda;

import io.fathom.program.Instruction.BalanceLoss;
import io.fathom.program.Instruction.BalanceLossGrad;
import io.fathom.program.Instruction.BinaryCrossEntropy;
import io.fathom.program.Instruction.BinaryCrossEntropyGrad;
import io.fathom.program.Instruction.CrossEntropy;
import io.fathom.program.Instruction.CrossEntropyGrad;
import io.fathom.program.Instruction.MeanSquare;
import io.fathom.program.Instruction.MeanSquareGrad;
import io.fathom.program.Instruction.WeightedSum;
import io.fathom.program.Value;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Launches of loss.cu. */
final class LossLaunches {
    /** Terms of a weighted sum; Terms in loss.cu. */
    private static final int MOST_TERMS = 64;

    private final Work work;

    LossLaunches(Work work) {
        this.work = work;
    }

    void crossEntropy(CrossEntropy x) {
        int columns = x.logits().columns();
        rows(
                work.at.of(x.logits()),
                work.at.of(x.targets()),
                work.at.of(x.losses()),
                work.at.of(x.logSumExp()),
                0L,
                0f,
                x.logits().rows(),
                columns,
                columns);
        mean(x.losses(), x.loss());
    }

    /** Losses of {@code rows} rows of logits; where {@code gradient} is not 0 also scale * (softmax - onehot). */
    void rows(
            long logits,
            long targets,
            long losses,
            long logSumExp,
            long gradient,
            float scale,
            int rows,
            int columns,
            int stride) {
        work.kernels.launch(
                work.stream,
                stride % 8 == 0 ? "cross_entropy_wide" : "cross_entropy_any",
                rows,
                1,
                threads(columns),
                0,
                logits,
                targets,
                losses,
                logSumExp,
                gradient,
                scale,
                columns,
                stride);
    }

    private static int threads(int columns) {
        return Math.min(512, Math.max(32, WorkNeeds.ceil(columns, 256) * 32));
    }

    void mean(Value losses, Value loss) {
        work.kernels.launch(work.stream, "mean", 1, 1, 1024, 0, work.at.of(losses), losses.rows(), work.at.of(loss));
    }

    void crossEntropyGrad(CrossEntropyGrad x) {
        int columns = x.logits().columns();
        work.kernels.launch(
                work.stream,
                "cross_entropy_grad",
                x.logits().rows(),
                1,
                threads(columns),
                0,
                work.at.of(x.logits()),
                work.at.of(x.targets()),
                work.at.of(x.logSumExp()),
                work.at.of(x.dLogits()),
                (float) (x.weight() / x.logits().rows()),
                columns);
    }

    void binaryCrossEntropy(BinaryCrossEntropy x) {
        work.kernels.launch(
                work.stream,
                work.types.narrow(x.z()) ? "bce_real" : "bce_float",
                1,
                1,
                1024,
                0,
                work.at.of(x.z()),
                work.at.of(x.mask()),
                work.at.of(x.loss()),
                x.z().rows());
    }

    void binaryCrossEntropyGrad(BinaryCrossEntropyGrad x) {
        int rows = x.z().rows();
        work.kernels.launch(
                work.stream,
                work.types.narrow(x.z()) ? "bce_grad_real" : "bce_grad_float",
                WorkNeeds.ceil(rows, 256),
                1,
                256,
                0,
                work.at.of(x.z()),
                work.at.of(x.mask()),
                x.addend() == null ? 0L : work.at.of(x.addend()),
                work.at.of(x.dz()),
                (float) (x.weight() / rows),
                rows);
    }

    void meanSquare(MeanSquare x) {
        work.kernels.launch(
                work.stream, "mean_square", 1, 1, 1024, 0, work.at.of(x.z()), work.at.of(x.loss()), x.z().rows());
    }

    void meanSquareGrad(MeanSquareGrad x) {
        int rows = x.z().rows();
        work.kernels.launch(
                work.stream,
                "mean_square_grad",
                WorkNeeds.ceil(rows, 256),
                1,
                256,
                0,
                work.at.of(x.z()),
                x.addend() == null ? 0L : work.at.of(x.addend()),
                work.at.of(x.dz()),
                (float) (2 * x.weight() / rows),
                rows);
    }

    void balance(BalanceLoss x) {
        work.kernels.launch(
                work.stream,
                "balance_loss",
                1,
                1,
                1024,
                0,
                work.at.of(x.scores()),
                work.at.of(x.loss()),
                (float) x.capacity(),
                x.scores().rows());
    }

    void balanceGrad(BalanceLossGrad x) {
        int rows = x.scores().rows();
        work.kernels.launch(
                work.stream,
                "balance_loss_grad",
                WorkNeeds.ceil(rows, 1024),
                1,
                1024,
                0,
                work.at.of(x.scores()),
                x.addend() == null ? 0L : work.at.of(x.addend()),
                work.at.of(x.dScores()),
                (float) x.capacity(),
                (float) (x.weight() / rows),
                rows);
    }

    void weightedSum(WeightedSum x) {
        int count = x.terms().size();
        if (count > MOST_TERMS) {
            throw new IllegalArgumentException(
                    "a sum of " + count + " losses: the cuda engine adds up to " + MOST_TERMS);
        }
        ByteBuffer terms = ByteBuffer.allocate(MOST_TERMS * 12 + 8).order(ByteOrder.nativeOrder());
        for (int i = 0; i < count; i++) {
            terms.putLong(i * 8, work.at.of(x.terms().get(i)));
            terms.putFloat(MOST_TERMS * 8 + i * 4, x.weights().get(i).floatValue());
        }
        terms.putInt(MOST_TERMS * 12, count);
        work.kernels.launch(work.stream, "weighted_sum", 1, 1, 1, 0, terms.array(), work.at.of(x.total()));
    }
}
