package io.fathom.engine.cuda;

import org.jspecify.annotations.Nullable;

/**
 * One product as cuBLASLt sees it, without addresses: c [m, n] = op(a) op(b), all row-major, with what follows it.
 *
 * @param m rows of c
 * @param n columns of c
 * @param k inner size
 * @param transposeA whether a lies as [k, m]
 * @param transposeB whether b lies as [n, k]
 * @param strideA elements between rows of a as it lies
 * @param strideB elements between rows of b as it lies
 * @param strideC elements between rows of c and of the addend
 * @param narrow whether a and b are bfloat16
 * @param narrowC whether c is
 * @param tf32 whether float products may round their factors to 10-bit mantissas
 * @param epilogue what is done with each element before it is stored
 * @param added whether an addend [m, n] is added; it may be c itself
 */
record MatrixProduct(
        int m,
        int n,
        int k,
        boolean transposeA,
        boolean transposeB,
        int strideA,
        int strideB,
        int strideC,
        boolean narrow,
        boolean narrowC,
        boolean tf32,
        Epilogue epilogue,
        boolean added) {

    /** What cuBLASLt does with the sums. */
    enum Epilogue {
        /** Nothing. */
        NONE,
        /** Adds a row. */
        BIAS,
        /** Adds a row, keeps the sum in aux and stores its gelu. */
        GELU_AUX_BIAS,
        /** Multiplies by the slope of gelu at aux. */
        DGELU
    }

    /** Addresses of one product; those it does not use are 0. */
    record Operands(long a, long b, long addend, long c, long bias, long aux) {}

    /** A product with rows packed and no epilogue. */
    static MatrixProduct plain(
            int m, int n, int k, boolean transposeA, boolean transposeB, @Nullable Epilogue epilogue, Numbers numbers) {
        return new MatrixProduct(
                m,
                n,
                k,
                transposeA,
                transposeB,
                transposeA ? m : k,
                transposeB ? k : n,
                n,
                numbers.narrow(),
                numbers.narrowC(),
                numbers.tf32(),
                epilogue == null ? Epilogue.NONE : epilogue,
                numbers.added());
    }

    /** The element types of a product and whether something is added to it. */
    record Numbers(boolean narrow, boolean narrowC, boolean tf32, boolean added) {}

    /** The same with other strides. */
    MatrixProduct withStrides(int a, int b, int c) {
        return new MatrixProduct(m, n, k, transposeA, transposeB, a, b, c, narrow, narrowC, tf32, epilogue, added);
    }

    /** Floating-point operations. */
    long flops() {
        return 2L * m * n * k;
    }
}
