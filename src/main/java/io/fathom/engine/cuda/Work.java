package io.fathom.engine.cuda;

import io.fathom.engine.Precision;
import io.fathom.program.Value;
import java.util.HashSet;
import java.util.Set;
import org.bytedeco.cuda.cudart.CUstream_st;

/** What launches need: kernels, products, a stream, addresses, and which gradients hold something already. */
final class Work {
    final Kernels kernels;
    final MatrixProducts products;
    final KernelSource source;
    final Precision precision;
    final ElementTypes types;
    final Addresses at;
    final PartialSums sums;
    final CUstream_st stream;
    final long workspace;
    final long scratch;

    private final boolean accumulate;
    private long nextSlots;
    private final Set<Integer> written = new HashSet<>();

    /**
     * @param accumulate whether gradients hold earlier micro-batches; otherwise the first writer of each overwrites it
     * @param workspace {@link MatrixProducts#WORKSPACE_BYTES}
     * @param slots room for the inverse of each top-k's index
     * @param scratch what the hungriest instruction asks for in {@link WorkNeeds}
     */
    Work(
            Kernels kernels,
            MatrixProducts products,
            KernelSource source,
            Precision precision,
            ElementTypes types,
            Addresses at,
            PartialSums sums,
            CUstream_st stream,
            long workspace,
            long scratch,
            long slots,
            boolean accumulate) {
        this.kernels = kernels;
        this.products = products;
        this.source = source;
        this.precision = precision;
        this.types = types;
        this.at = at;
        this.sums = sums;
        this.stream = stream;
        this.workspace = workspace;
        this.scratch = scratch;
        this.nextSlots = slots;
        this.accumulate = accumulate;
    }

    /** Address of room of its own for {@code rows} places. */
    long slots(int rows) {
        long at = nextSlots;
        nextSlots += WorkNeeds.slotBytes(rows);
        return at;
    }

    /** Whether a write to {@code gradient} adds to what is there; notes that it is written. */
    boolean adds(Value gradient) {
        return !written.add(gradient.offset()) || accumulate;
    }

    /** Forgets which gradients were written: before the program is enqueued again. */
    void restart() {
        written.clear();
        sums.reset();
    }

    /** One warp a row, {@link WorkNeeds#ROW_THREADS} threads a block. */
    void rows(String kernel, int rows, Object... arguments) {
        kernels.launch(
                stream,
                kernel,
                WorkNeeds.ceil(rows, WorkNeeds.ROW_THREADS / 32),
                1,
                WorkNeeds.ROW_THREADS,
                0,
                arguments);
    }

    /** Four elements a thread, as many blocks as keep the device busy. */
    void elements(String kernel, long length, Object... arguments) {
        int blocks = (int) Math.min((length + 1023) / 1024, kernels.device().processors() * 16L);
        kernels.launch(stream, kernel, blocks, 1, 256, 0, arguments);
    }
}
