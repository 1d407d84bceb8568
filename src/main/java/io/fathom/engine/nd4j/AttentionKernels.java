package io.fathom.engine.nd4j;

import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import io.fathom.program.Instruction.Attention;
import io.fathom.program.Instruction.AttentionGrad;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Causal attention, a sequence and a head at a time. */
final class AttentionKernels extends KernelGroup {
    AttentionKernels(Cells cells) {
        super(cells);
        on(Attention.class, this::attention);
        on(AttentionGrad.class, this::attentionGrad);
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
}
