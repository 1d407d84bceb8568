package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.cudaMemsetAsync;

import io.fathom.engine.Session.Vector;
import org.bytedeco.cuda.cudart.CUstream_st;

/** The flat vectors of a session in and out; the bfloat16 copy of the parameters follows what is written. */
final class SessionVectors {
    private final Device device;
    private final Kernels kernels;
    private final SessionMemory memory;
    private final Staging staging;
    private final Optimizer optimizer;
    private final CUstream_st stream;

    SessionVectors(
            Device device,
            Kernels kernels,
            SessionMemory memory,
            Staging staging,
            Optimizer optimizer,
            CUstream_st stream) {
        this.device = device;
        this.kernels = kernels;
        this.memory = memory;
        this.staging = staging;
        this.optimizer = optimizer;
        this.stream = stream;
    }

    private long at(Vector vector) {
        return switch (vector) {
            case PARAMETERS, GRADIENT -> memory.vector(vector);
            case FIRST_MOMENT -> optimizer.moments().first();
            case SECOND_MOMENT -> optimizer.moments().second();
        };
    }

    /** Copies the first {@code count} of {@code values} to elements {@code from} on. */
    void write(Vector vector, int from, float[] values, int count) {
        long to = at(vector) + (long) Float.BYTES * from;
        staging.write(values, count, to);
        if (vector == Vector.PARAMETERS && memory.shadow != 0) {
            long shadow = memory.shadow + (long) Short.BYTES * from;
            kernels.launch(stream, "shadow_of", device.elementBlocks(count), 1, 256, 0, to, shadow, (long) count);
        }
    }

    /** Copies {@code count} elements, from {@code from} on, to the beginning of {@code values}. */
    void read(Vector vector, int from, float[] values, int count) {
        staging.read(at(vector) + (long) Float.BYTES * from, values, count);
    }

    /** Enqueues zeros for all {@code size} elements. */
    void zero(Vector vector, int size) {
        Cuda.check(cudaMemsetAsync(Cuda.at(memory.vector(vector)), 0, (long) Float.BYTES * size, stream), "cudaMemset");
    }
}
