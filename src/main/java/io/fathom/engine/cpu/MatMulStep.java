package io.fathom.engine.cpu;

import org.jspecify.annotations.Nullable;

/**
 * {@link io.fathom.program.Instruction.MatMul}: lanes share the rows of c. Bias and addend are laid into c first and
 * the product added to them, which costs no more than the zeros that BLAS would write.
 *
 * @param strideC floats between two rows of c, and of the addend
 * @param beta of c; with a bias or an addend it must set
 */
record MatMulStep(
        Floats a,
        int strideA,
        boolean transposeA,
        Floats b,
        int strideB,
        boolean transposeB,
        @Nullable Floats bias,
        @Nullable Floats addend,
        Floats c,
        int strideC,
        int rows,
        int columns,
        int inner,
        Beta beta)
        implements Step {
    @Override
    public void run(Lane lane) {
        int from = lane.from(rows);
        int n = lane.to(rows) - from;
        if (n == 0) {
            return;
        }
        if (bias != null || addend != null) {
            lay(lane, from, n);
        }
        lane.blas.gemm(
                transposeA,
                transposeB,
                n,
                columns,
                inner,
                1f,
                a.at(transposeA ? from : (long) from * strideA),
                strideA,
                b.at(0),
                strideB,
                bias != null || addend != null ? 1f : beta.now(),
                c.at((long) from * strideC),
                strideC);
    }

    /** c = addend + bias on {@code n} rows from {@code from} on; what lies between the rows is of no use to anyone. */
    private void lay(Lane lane, int from, int n) {
        if (bias == null && addend != null && addend.sharesPlaceWith(c)) {
            return;
        }
        int block = Lane.rowsOfBlock(strideC);
        if (bias != null) {
            bias.get(0, lane.b, columns);
            Vectors.repeat(lane.b, strideC, Math.min(block, n));
        }
        for (int row = from; row < from + n; row += block) {
            int length = Math.min(block, from + n - row) * strideC;
            if (addend == null) {
                c.put(row * strideC, lane.b, length);
                continue;
            }
            addend.get(row * strideC, lane.a, length);
            if (bias != null) {
                Vectors.add(lane.a, lane.b, length);
            }
            c.put(row * strideC, lane.a, length);
        }
    }
}
