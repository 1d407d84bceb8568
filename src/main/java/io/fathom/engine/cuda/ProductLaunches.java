package io.fathom.engine.cuda;

import io.fathom.engine.Precision;
import io.fathom.engine.cuda.MatrixProduct.Epilogue;
import io.fathom.engine.cuda.MatrixProduct.Numbers;
import io.fathom.engine.cuda.MatrixProduct.Operands;
import io.fathom.program.Instruction.Gelu;
import io.fathom.program.Instruction.GeluGrad;
import io.fathom.program.Instruction.HeadLoss;
import io.fathom.program.Instruction.MatMul;
import io.fathom.program.Value;

/** Matrix products, and the head that makes logits, loss and their gradients piece by piece. */
final class ProductLaunches {
    private final Work work;

    ProductLaunches(Work work) {
        this.work = work;
    }

    void matMul(MatMul x, Step step) {
        boolean gradient = x.c().storage() == Value.Storage.GRADIENT;
        boolean adds = gradient && work.adds(x.c());
        Epilogue epilogue = Epilogue.NONE;
        long aux = 0;
        Value out = x.c();
        if (step.then() instanceof Gelu gelu) {
            epilogue = Epilogue.GELU_AUX_BIAS;
            aux = work.at.of(x.c());
            out = gelu.y();
        } else if (step.then() instanceof GeluGrad grad) {
            epilogue = Epilogue.DGELU;
            aux = work.at.of(grad.x());
            out = grad.dx();
        } else if (x.bias() != null) {
            epilogue = Epilogue.BIAS;
        }
        MatrixProduct product = MatrixProduct.plain(
                x.c().rows(),
                x.c().columns(),
                x.inner(),
                x.transposeA(),
                x.transposeB(),
                epilogue,
                numbers(out, adds || x.addend() != null));
        long c = work.at.of(out);
        run(
                product,
                new Operands(
                        work.at.factor(x.a()),
                        work.at.factor(x.b()),
                        x.addend() != null ? work.at.of(x.addend()) : adds ? c : 0,
                        c,
                        x.bias() == null ? 0 : work.at.factor(x.bias()),
                        aux));
    }

    /** The rows of x by pieces: logits, then in their place the gradient, then its two products. */
    void headLoss(HeadLoss x, LossLaunches losses) {
        int bytes = work.source.narrow() ? 2 : 4;
        int rows = x.x().rows();
        int width = x.x().columns();
        int vocabulary = x.table().rows();
        int stride = WorkNeeds.headStride(x);
        int most = WorkNeeds.headRows(x, bytes);
        long logits = work.scratch;
        long table = work.at.factor(x.table());
        long dTable = work.at.of(x.dTable());
        float scale = (float) (x.weight() / rows);
        boolean adds = work.adds(x.dTable());
        for (int first = 0; first < rows; first += most) {
            int count = Math.min(most, rows - first);
            long in = work.at.of(x.x()) + (long) first * width * bytes;
            Numbers narrow = new Numbers(work.source.narrow(), work.source.narrow(), tf32(), false);
            run(
                    MatrixProduct.plain(count, vocabulary, width, false, true, null, narrow)
                            .withStrides(width, width, stride),
                    new Operands(in, table, 0, logits, 0, 0));
            losses.rows(
                    logits,
                    work.at.of(x.targets()) + 4L * first,
                    work.at.of(x.losses()) + 4L * first,
                    0L,
                    logits,
                    scale,
                    count,
                    vocabulary,
                    stride);
            run(
                    MatrixProduct.plain(count, width, vocabulary, false, false, null, narrow)
                            .withStrides(stride, width, width),
                    new Operands(logits, table, 0, work.at.of(x.dx()) + (long) first * width * bytes, 0, 0));
            boolean more = adds || first > 0;
            run(
                    MatrixProduct.plain(
                                    vocabulary,
                                    width,
                                    count,
                                    true,
                                    false,
                                    null,
                                    new Numbers(work.source.narrow(), false, tf32(), more))
                            .withStrides(stride, width, width),
                    new Operands(logits, in, more ? dTable : 0, dTable, 0, 0));
        }
        losses.mean(x.losses(), x.loss());
    }

    private Numbers numbers(Value out, boolean added) {
        return new Numbers(work.source.narrow(), work.types.narrow(out), tf32(), added);
    }

    private boolean tf32() {
        return work.precision == Precision.TF32;
    }

    private void run(MatrixProduct product, Operands operands) {
        work.products.run(work.stream, work.workspace, product, operands);
    }
}
