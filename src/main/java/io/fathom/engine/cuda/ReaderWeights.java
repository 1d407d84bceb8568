package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.*;

import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Tensor;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A model's weights as they are read with: those of products as [outputs, inputs] and as narrow as the kernels want
 * them, everything else as float.
 */
final class ReaderWeights implements AutoCloseable {
    private static final String TABLE = "wte.weight";
    private static final String NARROW_TABLE = "head";
    private static final int CHUNK = 1 << 22;

    private final Map<String, Long> offsets = new HashMap<>();
    private final Pointer block = new Pointer();
    private final boolean narrow;

    /** Lays out {@code parameters} by {@code kernels}. */
    ReaderWeights(ModelSpec spec, float[] parameters, boolean narrow, Kernels kernels, CUstream_st stream) {
        this.narrow = narrow;
        ParameterLayout layout = ParameterLayout.of(spec);
        long bytes = place(layout);
        Cuda.check(cudaMalloc(block, bytes), "cudaMalloc of " + bytes + " bytes");
        Pointer flat = new Pointer();
        Cuda.check(cudaMalloc(flat, 4L * layout.size()), "cudaMalloc of " + 4L * layout.size() + " bytes");
        try {
            upload(parameters, flat.address());
            for (Tensor tensor : layout.tensors()) {
                lay(tensor, flat.address() + 4L * tensor.offset(), kernels, stream);
            }
            Cuda.check(cudaStreamSynchronize(stream), "laying out weights");
        } finally {
            cudaFree(flat);
        }
    }

    /** Device bytes while weights of {@code spec} are laid out. */
    static long bytes(ModelSpec spec, boolean narrow) {
        long floats = ParameterLayout.of(spec).size();
        return 4 * floats + (narrow ? 4 * floats * 3 / 4 : 4 * floats);
    }

    private static boolean product(Tensor tensor) {
        return tensor.shape().size() == 2 && !tensor.name().startsWith("w");
    }

    private long place(ParameterLayout layout) {
        long next = 0;
        for (Tensor tensor : layout.tensors()) {
            offsets.put(tensor.name(), next);
            next = after(next, (product(tensor) && narrow ? 2L : 4L) * tensor.length());
        }
        if (narrow) {
            offsets.put(NARROW_TABLE, next);
            next = after(next, 2L * layout.tensor(TABLE).length());
        }
        return next;
    }

    private static long after(long at, long bytes) {
        return (at + bytes + ArenaPlan.ALIGNMENT - 1) / ArenaPlan.ALIGNMENT * ArenaPlan.ALIGNMENT;
    }

    private static void upload(float[] values, long to) {
        try (FloatPointer chunk = new FloatPointer(Math.min(CHUNK, values.length))) {
            for (int first = 0; first < values.length; first += CHUNK) {
                int count = Math.min(CHUNK, values.length - first);
                chunk.put(values, first, count);
                Cuda.check(
                        cudaMemcpy(Cuda.at(to + 4L * first), chunk, 4L * count, cudaMemcpyHostToDevice), "cudaMemcpy");
            }
        }
    }

    private void lay(Tensor tensor, long from, Kernels kernels, CUstream_st stream) {
        long to = at(tensor.name());
        if (product(tensor)) {
            int rows = tensor.rows();
            int columns = tensor.columns();
            int x = WorkNeeds.ceil(columns, 32);
            kernels.launch(stream, "lay_transposed", x, WorkNeeds.ceil(rows, 32), 256, 0, from, to, rows, columns);
            return;
        }
        Cuda.check(
                cudaMemcpyAsync(Cuda.at(to), Cuda.at(from), 4L * tensor.length(), cudaMemcpyDeviceToDevice, stream),
                "cudaMemcpyAsync");
        if (narrow && tensor.name().equals(TABLE)) {
            kernels.launch(stream, "lay_straight", 1024, 1, 256, 0, from, head(), (long) tensor.length());
        }
    }

    /** Address of a tensor. */
    long at(String name) {
        Long offset = offsets.get(name);
        if (offset == null) {
            throw new IllegalArgumentException("no parameter named " + name + " in this model");
        }
        return block.address() + offset;
    }

    /** Address of the token table as a factor of the head's product. */
    long head() {
        return at(narrow ? NARROW_TABLE : TABLE);
    }

    @Override
    public void close() {
        cudaFree(block);
        block.setNull();
    }
}
