package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.*;

import io.fathom.engine.MomentMemory;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.Pointer;

/** Both moments in one allocation on a GPU, the second behind the first. */
final class CudaMoments implements MomentMemory {
    private final int size;
    private Device device;
    private Pointer block;

    /** Zeros of {@code size} floats each, there when the work of {@code stream} is done. */
    CudaMoments(int size, Device device, CUstream_st stream) {
        this.size = size;
        this.device = device;
        this.block = take(device, size);
        Cuda.check(cudaMemsetAsync(block, 0, bytes(size), stream), "cudaMemset");
    }

    private static Pointer take(Device device, int size) {
        device.use();
        Pointer block = new Pointer();
        Cuda.check(
                cudaMalloc(block, bytes(size)), "cudaMalloc of " + bytes(size) + " bytes for the moments of a worker");
        return block;
    }

    private static long bytes(int size) {
        return 2L * Float.BYTES * size;
    }

    int size() {
        return size;
    }

    long first() {
        return block.address();
    }

    long second() {
        return block.address() + bytes(size) / 2;
    }

    /** Takes them to {@code to}, where they are not there already: Spark may give a worker another GPU each round. */
    void moveTo(Device to) {
        if (to.index() == device.index()) {
            return;
        }
        Pointer there = take(to, size);
        Cuda.check(cudaMemcpyPeer(there, to.index(), block, device.index(), bytes(size)), "cudaMemcpyPeer");
        Cuda.check(cudaDeviceSynchronize(), "cudaMemcpyPeer");
        close();
        block = there;
        device = to;
        device.use();
    }

    @Override
    public void close() {
        device.use();
        cudaFree(block);
        block.setNull();
    }
}
