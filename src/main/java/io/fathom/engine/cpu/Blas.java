package io.fathom.engine.cpu;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemm;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemv;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sger;

import org.bytedeco.openblas.global.openblas_nolapack;

/** One lane's door to OpenBLAS: its own three pointers, so that calls make no garbage. */
final class Blas {
    private final Address a = new Address();
    private final Address b = new Address();
    private final Address c = new Address();

    /**
     * Keeps every BLAS call on the thread that makes it. Two pools that spin against each other cost up to 15 times;
     * sessions bring their own threads.
     */
    static void singleThreaded() {
        openblas_nolapack.blas_set_num_threads(1);
    }

    static String version() {
        return openblas_nolapack.OPENBLAS_VERSION.trim();
    }

    /**
     * C = alpha op(A) op(B) + beta C, row-major; op(A) is m x k, op(B) k x n; the matrices by address and row stride.
     */
    void gemm(
            boolean transposeA,
            boolean transposeB,
            int m,
            int n,
            int k,
            float alpha,
            long addressA,
            int strideA,
            long addressB,
            int strideB,
            float beta,
            long addressC,
            int strideC) {
        cblas_sgemm(
                CblasRowMajor,
                transposeA ? CblasTrans : CblasNoTrans,
                transposeB ? CblasTrans : CblasNoTrans,
                m,
                n,
                k,
                alpha,
                a.at(addressA),
                strideA,
                b.at(addressB),
                strideB,
                beta,
                c.at(addressC),
                strideC);
    }

    /** y = op(A) x + beta y, row-major; A is rows x columns before its transposition. */
    void gemv(
            boolean transpose,
            int rows,
            int columns,
            long addressA,
            int strideA,
            long addressX,
            float beta,
            long addressY) {
        cblas_sgemv(
                CblasRowMajor,
                transpose ? CblasTrans : CblasNoTrans,
                rows,
                columns,
                1f,
                a.at(addressA),
                strideA,
                b.at(addressX),
                1,
                beta,
                c.at(addressY),
                1);
    }

    /** A += x y', row-major. */
    void ger(int rows, int columns, long addressX, long addressY, long addressA, int strideA) {
        cblas_sger(CblasRowMajor, rows, columns, 1f, a.at(addressX), 1, b.at(addressY), 1, c.at(addressA), strideA);
    }
}
