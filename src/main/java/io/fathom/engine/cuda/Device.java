package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.*;

import io.fathom.engine.EngineException;
import io.fathom.engine.Precision;
import java.nio.charset.StandardCharsets;
import org.bytedeco.cuda.cudart.cudaDeviceProp;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * One GPU.
 *
 * @param index among those this process sees
 * @param name as the driver gives it
 * @param architecture compute capability, 90 for 9.0
 * @param processors multiprocessors
 * @param sharedBytes most shared memory of a block
 * @param totalBytes memory
 */
record Device(int index, String name, int architecture, int processors, long sharedBytes, long totalBytes) {
    private static final int TURING = 75;
    private static final int AMPERE = 80;

    /** The device {@code index}, made current; throws {@link EngineException} when there is none or it is too old. */
    static Device open(int index) {
        requireIndex(index, count());
        Cuda.check(cudaSetDevice(index), "cudaSetDevice " + index);
        try (cudaDeviceProp properties = new cudaDeviceProp()) {
            Cuda.check(cudaGetDeviceProperties(properties, index), "cudaGetDeviceProperties");
            Device device = new Device(
                    index,
                    properties.name().getString(),
                    properties.major() * 10 + properties.minor(),
                    properties.multiProcessorCount(),
                    properties.sharedMemPerBlockOptin(),
                    properties.totalGlobalMem());
            device.requireArchitecture();
            return device;
        }
    }

    /** GPUs that this process sees; throws {@link EngineException} when there is none. */
    static int count() {
        Libraries.load();
        int[] count = new int[1];
        int code = cudaGetDeviceCount(count);
        if (code != 0 || count[0] == 0) {
            String visible = System.getenv("CUDA_VISIBLE_DEVICES");
            throw new EngineException("engine cuda: the driver shows no GPU"
                    + (visible == null ? "" : " (CUDA_VISIBLE_DEVICES = " + visible + ")")
                    + ": check nvidia-smi, or set engine.name = cpu");
        }
        return count[0];
    }

    /** Where the GPU sits on this machine's PCI bus, such as 0000:17:00.0: the same name in every process. */
    String address() {
        byte[] text = new byte[32];
        Cuda.check(cudaDeviceGetPCIBusId(text, text.length, index), "cudaDeviceGetPCIBusId");
        int end = 0;
        while (end < text.length && text[end] != 0) {
            end++;
        }
        return new String(text, 0, end, StandardCharsets.US_ASCII);
    }

    /** Throws unless there is a device {@code index} among {@code count}. */
    static void requireIndex(int index, int count) {
        if (index >= count) {
            throw new EngineException("engine cuda: no device " + index + ": this process sees " + count
                    + (count == 1 ? " GPU" : " GPUs") + ", counted from 0");
        }
    }

    /** Throws when this GPU is older than the libraries support. */
    void requireArchitecture() {
        if (architecture < TURING) {
            throw new EngineException("engine cuda: " + name + " is of architecture sm_" + architecture
                    + "; CUDA 13 starts at sm_75 (Turing): set engine.name = cpu");
        }
    }

    /** Throws unless this GPU computes in {@code precision}. */
    void require(Precision precision) {
        if (precision == Precision.FLOAT64) {
            throw new IllegalArgumentException("engine cuda: precision float64 is not offered: use engine nd4j");
        }
        if (precision != Precision.FLOAT32 && architecture < AMPERE) {
            throw new EngineException("engine cuda: precision " + precision + " needs sm_80 (Ampere) or newer; " + name
                    + " is sm_" + architecture + ": set engine.precision = float32");
        }
    }

    /**
     * Blocks of 256 threads that go over {@code floats} elements, four a thread, again and again where they are many.
     */
    int elementBlocks(long floats) {
        return (int) Math.min((floats + 1023) / 1024, processors * 32L);
    }

    /** Makes this the calling thread's device. */
    void use() {
        Cuda.check(cudaSetDevice(index), "cudaSetDevice " + index);
    }

    /** Bytes not taken by anyone. */
    long freeBytes() {
        use();
        try (SizeTPointer free = new SizeTPointer(1);
                SizeTPointer total = new SizeTPointer(1)) {
            Cuda.check(cudaMemGetInfo(free, total), "cudaMemGetInfo");
            return free.get();
        }
    }
}
