package io.fathom.engine.cpu;

import org.jspecify.annotations.Nullable;

/**
 * {@link io.fathom.program.Instruction.MatMul}: lanes share the rows of c. Bias and addend are laid into c first and
 * the product added to them, which costs no more than the zeros that BLAS would write.
 *
 * @param accumulate whether the product is added to what c holds
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
        int rows,
        int columns,
        int inner,
        boolean accumulate)
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
                accumulate || bias != null || addend != null ? 1f : 0f,
                c.at((long) from * columns),
                columns);
    }

    /** c = addend + bias on {@code n} rows from {@code from} on. */
    private void lay(Lane lane, int from, int n) {
        if (bias == null && addend != null && addend.sharesPlaceWith(c)) {
            return;
        }
        int block = Lane.rowsOfBlock(columns);
        if (bias != null) {
            bias.get(0, lane.b, columns);
            Vectors.repeat(lane.b, columns, Math.min(block, n));
        }
        for (int row = from; row < from + n; row += block) {
            int length = Math.min(block, from + n - row) * columns;
            if (addend == null) {
                c.put(row * columns, lane.b, length);
                continue;
            }
            addend.get(row * columns, lane.a, length);
            if (bias != null) {
                Vectors.add(lane.a, lane.b, length);
            }
            c.put(row * columns, lane.a, length);
        }
    }
}
