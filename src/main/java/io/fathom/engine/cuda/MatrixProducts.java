package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cublas.*;
import static org.bytedeco.cuda.global.cudart.*;

import io.fathom.engine.EngineException;
import io.fathom.engine.cuda.MatrixProduct.Epilogue;
import io.fathom.engine.cuda.MatrixProduct.Operands;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.cublas.cublasLtMatmulAlgo_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulDescOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulHeuristicResult_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulPreferenceOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatrixLayoutOpaque_t;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;

/**
 * Matrix products through cuBLASLt. The algorithm of each shape is measured among the library's best guesses when a
 * session opens, and kept by {@link ProductChoices}, so that two runs take the same.
 *
 * <p>cuBLASLt is column-major: c = op(a) op(b) row by row is c' = op(b)' op(a)' column by column, so a and b change
 * places and nothing is copied.
 */
final class MatrixProducts implements AutoCloseable {
    /** What NVIDIA advises for Hopper, and enough for split products on older chips. */
    static final long WORKSPACE_BYTES = 32L << 20;

    private static final int CANDIDATES = 8;
    private static final int REPEATS = 8;
    /** A candidate must beat the library's first guess by this to be taken: less is noise. */
    private static final double GAIN = 0.98;

    private final cublasLtContext handle = new cublasLtContext();
    private final Map<String, cublasLtMatmulAlgo_t> algorithms = new HashMap<>();
    private final FloatPointer one = new FloatPointer(1f);
    private final FloatPointer zero = new FloatPointer(0f);

    private final ProductChoices choices;
    private boolean measuring = true;

    /** Products whose choices are kept in {@code folder}. */
    MatrixProducts(Device device, Path folder) {
        Cuda.checkBlas(cublasLtCreate(handle), "cublasLtCreate");
        choices = new ProductChoices(folder, device.name(), cublasLtGetVersion());
    }

    /** From here on nothing is measured, which a graph under capture would not allow; keeps what was found. */
    void settle() {
        measuring = false;
        choices.save();
    }

    /** Enqueues {@code product}; {@code workspace} has {@link #WORKSPACE_BYTES}. */
    void run(CUstream_st stream, long workspace, MatrixProduct product, Operands at) {
        try (Description d = new Description(product, at)) {
            String key = product + " "
                    + List.of(alignment(at.a()), alignment(at.b()), alignment(at.c()), alignment(at.addend()));
            cublasLtMatmulAlgo_t algorithm = algorithms.get(key);
            if (algorithm == null) {
                // One session at a time: tasks that open theirs together would measure each other.
                synchronized (MatrixProducts.class) {
                    algorithm = choose(key, stream, workspace, d, product, at);
                }
                algorithms.put(key, algorithm);
            }
            Cuda.checkBlas(enqueue(stream, workspace, d, product, at, algorithm), "product " + product);
        }
    }

    /** Enqueues {@code product} by {@code algorithm}; returns cuBLASLt's status. */
    private int enqueue(
            CUstream_st stream,
            long workspace,
            Description d,
            MatrixProduct product,
            Operands at,
            cublasLtMatmulAlgo_t algorithm) {
        long added = product.added() ? at.addend() : at.c();
        return cublasLtMatmul(
                handle,
                d.operation,
                one,
                Cuda.at(at.b()),
                d.a,
                Cuda.at(at.a()),
                d.b,
                product.added() ? one : zero,
                Cuda.at(added),
                d.c,
                Cuda.at(at.c()),
                d.c,
                algorithm,
                Cuda.at(workspace),
                WORKSPACE_BYTES,
                stream);
    }

    /** Largest power of two up to 256 that divides {@code address}. */
    private static int alignment(long address) {
        return address == 0 ? 256 : (int) Math.min(256, Long.lowestOneBit(address));
    }

    private cublasLtMatmulAlgo_t choose(
            String key, CUstream_st stream, long workspace, Description d, MatrixProduct product, Operands at) {
        // The library calls some algorithms fit that it then cannot start; and what was kept may come from elsewhere.
        Predicate<cublasLtMatmulAlgo_t> starts = algorithm -> {
            boolean started = !measuring || enqueue(stream, workspace, d, product, at, algorithm) == 0;
            if (!started) {
                cudaGetLastError();
            }
            return started;
        };
        Optional<cublasLtMatmulAlgo_t> kept =
                choices.find(key).map(MatrixProducts::algorithm).filter(starts);
        if (kept.isPresent()) {
            return kept.get();
        }
        List<cublasLtMatmulAlgo_t> found =
                candidates(d, product, at, CANDIDATES).stream().filter(starts).toList();
        if (found.isEmpty()) {
            throw new EngineException("engine cuda: cuBLASLt " + cublasLtGetVersion() + " has no algorithm for "
                    + product + ": set engine.precision = float32, or engine.name = cpu");
        }
        if (!measuring || found.size() == 1) {
            return found.get(0);
        }
        cublasLtMatmulAlgo_t best = found.get(0);
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i < found.size(); i++) {
            cublasLtMatmulAlgo_t candidate = found.get(i);
            double millis = StepProfile.millis(
                    stream,
                    REPEATS,
                    () -> Cuda.checkBlas(enqueue(stream, workspace, d, product, at, candidate), "product " + product));
            if (i == 0 || millis < GAIN * least) {
                least = millis;
                best = candidate;
            }
        }
        long[] words = new long[8];
        for (int w = 0; w < words.length; w++) {
            words[w] = best.data(w);
        }
        choices.put(key, words);
        return best;
    }

    private static cublasLtMatmulAlgo_t algorithm(long[] words) {
        cublasLtMatmulAlgo_t algorithm = new cublasLtMatmulAlgo_t();
        for (int w = 0; w < words.length; w++) {
            algorithm.data(w, words[w]);
        }
        return algorithm;
    }

    /** Up to {@code count} algorithms, the library's best guess first. */
    private List<cublasLtMatmulAlgo_t> candidates(Description d, MatrixProduct product, Operands at, int count) {
        try (cublasLtMatmulPreferenceOpaque_t preference = new cublasLtMatmulPreferenceOpaque_t();
                cublasLtMatmulHeuristicResult_t results = new cublasLtMatmulHeuristicResult_t(count);
                LongPointer bytes = new LongPointer(1).put(WORKSPACE_BYTES)) {
            Cuda.checkBlas(cublasLtMatmulPreferenceInit(preference), "cublasLtMatmulPreferenceInit");
            set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, bytes);
            // Parts of a split product are added in float, never in bfloat16.
            int reductions = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE
                    | (product.narrowC() ? 0 : CUBLASLT_REDUCTION_SCHEME_INPLACE);
            set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, reductions);
            set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(at.b()));
            set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(at.a()));
            set(
                    preference,
                    CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
                    alignment(product.added() ? at.addend() : at.c()));
            set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(at.c()));
            int[] found = new int[1];
            int code = cublasLtMatmulAlgoGetHeuristic(
                    handle, d.operation, d.a, d.b, d.c, d.c, preference, count, results, found);
            List<cublasLtMatmulAlgo_t> usable = new ArrayList<>();
            for (int i = 0; code == 0 && i < found[0]; i++) {
                cublasLtMatmulHeuristicResult_t result = results.getPointer(i);
                if (result.state() == 0) {
                    long[] words = new long[8];
                    for (int w = 0; w < words.length; w++) {
                        words[w] = result.algo().data(w);
                    }
                    usable.add(algorithm(words));
                }
            }
            return usable;
        }
    }

    private static void set(cublasLtMatmulPreferenceOpaque_t preference, int attribute, int value) {
        try (IntPointer p = new IntPointer(1).put(value)) {
            Cuda.checkBlas(cublasLtMatmulPreferenceSetAttribute(preference, attribute, p, 4), "matmul preference");
        }
    }

    private static void set(cublasLtMatmulPreferenceOpaque_t preference, int attribute, LongPointer value) {
        Cuda.checkBlas(cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, 8), "matmul preference");
    }

    @Override
    public void close() {
        cublasLtDestroy(handle);
    }

    /** cuBLASLt's own description of a product. */
    private static final class Description implements AutoCloseable {
        final cublasLtMatmulDescOpaque_t operation = new cublasLtMatmulDescOpaque_t();
        final cublasLtMatrixLayoutOpaque_t a = new cublasLtMatrixLayoutOpaque_t();
        final cublasLtMatrixLayoutOpaque_t b = new cublasLtMatrixLayoutOpaque_t();
        final cublasLtMatrixLayoutOpaque_t c = new cublasLtMatrixLayoutOpaque_t();

        Description(MatrixProduct p, Operands at) {
            int compute = p.tf32() ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
            Cuda.checkBlas(cublasLtMatmulDescInit(operation, compute, CUDA_R_32F), "matmul description");
            set(CUBLASLT_MATMUL_DESC_TRANSA, p.transposeB() ? CUBLAS_OP_T : CUBLAS_OP_N);
            set(CUBLASLT_MATMUL_DESC_TRANSB, p.transposeA() ? CUBLAS_OP_T : CUBLAS_OP_N);
            set(CUBLASLT_MATMUL_DESC_EPILOGUE, code(p.epilogue()));
            if (p.epilogue() == Epilogue.BIAS || p.epilogue() == Epilogue.GELU_AUX_BIAS) {
                set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, at.bias());
            }
            if (p.epilogue() == Epilogue.GELU_AUX_BIAS || p.epilogue() == Epilogue.DGELU) {
                set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, at.aux());
                set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, (long) p.strideC());
            }
            int type = p.narrow() ? CUDA_R_16BF : CUDA_R_32F;
            layout(a, type, p.transposeB() ? p.k() : p.n(), p.transposeB() ? p.n() : p.k(), p.strideB());
            layout(b, type, p.transposeA() ? p.m() : p.k(), p.transposeA() ? p.k() : p.m(), p.strideA());
            layout(c, p.narrowC() ? CUDA_R_16BF : CUDA_R_32F, p.n(), p.m(), p.strideC());
        }

        private static int code(Epilogue epilogue) {
            return switch (epilogue) {
                case NONE -> CUBLASLT_EPILOGUE_DEFAULT;
                case BIAS -> CUBLASLT_EPILOGUE_BIAS;
                case GELU_AUX_BIAS -> CUBLASLT_EPILOGUE_GELU_AUX_BIAS;
                case DGELU -> CUBLASLT_EPILOGUE_DGELU;
            };
        }

        private static void layout(
                cublasLtMatrixLayoutOpaque_t layout, int type, long rows, long columns, long stride) {
            Cuda.checkBlas(cublasLtMatrixLayoutInit(layout, type, rows, columns, stride), "matrix layout");
        }

        private void set(int attribute, int value) {
            try (IntPointer p = new IntPointer(1).put(value)) {
                Cuda.checkBlas(cublasLtMatmulDescSetAttribute(operation, attribute, p, 4), "matmul attribute");
            }
        }

        private void set(int attribute, long value) {
            try (LongPointer p = new LongPointer(1).put(value)) {
                Cuda.checkBlas(cublasLtMatmulDescSetAttribute(operation, attribute, p, 8), "matmul attribute");
            }
        }

        @Override
        public void close() {
            Arrays.asList(operation, a, b, c).forEach(org.bytedeco.javacpp.Pointer::close);
        }
    }
}
