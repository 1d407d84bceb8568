package io.fathom.engine.cpu;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemm;

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
}
