package io.fathom.engine.cpu;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemm;

import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * One lane's door to the library of matrix products, with its own three pointers, so that calls make no garbage: oneDNN
 * on Linux on x86-64, OpenBLAS elsewhere.
 */
final class Blas {
    private final Address a = new Address();
    private final Address b = new Address();
    private final Address c = new Address();

    /**
     * Keeps every call of the calling thread on that thread. Two pools that spin against each other cost up to 15
     * times; sessions bring their own threads. oneDNN keeps a count for each thread; OpenBLAS has one for the process,
     * which ND4J sets to the number of processors when it loads.
     */
    static void singleThreaded() {
        if (OneDnn.SERVES) {
            OpenMp.threads(1);
        } else {
            openblas_nolapack.blas_set_num_threads(1);
        }
    }

    /** The library and the kernels that it chose, which an environment variable may hold to slower ones. */
    static String description() {
        if (OneDnn.SERVES) {
            return OneDnn.description();
        }
        String held = System.getenv("OPENBLAS_CORETYPE");
        return openblas_nolapack.OPENBLAS_VERSION.trim()
                + (held == null ? "" : " held to " + held + " kernels by OPENBLAS_CORETYPE");
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
        if (OneDnn.SERVES) {
            int status = dnnl.dnnl_sgemm(
                    (byte) (transposeA ? 'T' : 'N'),
                    (byte) (transposeB ? 'T' : 'N'),
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
            if (status != dnnl.dnnl_success) {
                OneDnn.check(status, "a product of " + m + " x " + k + " by " + k + " x " + n);
            }
            return;
        }
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
        if (transpose) {
            gemm(false, false, 1, columns, rows, 1f, addressX, rows, addressA, strideA, beta, addressY, columns);
        } else {
            gemm(false, false, rows, 1, columns, 1f, addressA, strideA, addressX, 1, beta, addressY, 1);
        }
    }

    /** A += x y', row-major. */
    void ger(int rows, int columns, long addressX, long addressY, long addressA, int strideA) {
        gemm(false, false, rows, columns, 1, 1f, addressX, 1, addressY, columns, 1f, addressA, strideA);
    }
}
