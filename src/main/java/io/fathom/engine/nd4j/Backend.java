package io.fathom.engine.nd4j;

import io.fathom.engine.EngineException;
import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * What ND4J computes on here: the best backend of the class path that this machine can run, which is the processor
 * unless the build brings nd4j-cuda.
 *
 * @param name of the backend
 * @param gpus those it sees; none on a processor
 */
record Backend(String name, List<Gpu> gpus) {
    /** nd4j-cuda 1.0.0-M2.1 holds machine code from Kepler's last to Ada, and none that a driver could compile. */
    private static final int OLDEST = 37;

    private static final int NEWEST = 89;

    /**
     * One GPU.
     *
     * @param name as the driver gives it
     * @param architecture compute capability, 86 for 8.6
     */
    record Gpu(String name, int architecture) {}

    /** The one ND4J has chosen. */
    static Backend chosen() {
        String name = Nd4j.getBackend().getClass().getSimpleName();
        if (Nd4j.getEnvironment().isCPU()) {
            return new Backend(name, List.of());
        }
        NativeOps ops = NativeOpsHolder.getInstance().getDeviceNativeOps();
        return new Backend(
                name,
                IntStream.range(0, ops.getAvailableDevices())
                        .mapToObj(
                                i -> new Gpu(ops.getDeviceName(i), ops.getDeviceMajor(i) * 10 + ops.getDeviceMinor(i)))
                        .toList());
    }

    /** Whether this is the processor. */
    boolean processor() {
        return gpus.isEmpty();
    }

    /** Throws {@link EngineException} unless it can compute on device {@code index}; a processor has no devices. */
    void require(int index) {
        if (processor()) {
            return;
        }
        if (index >= gpus.size()) {
            throw new EngineException("engine nd4j: no device " + index + ": ND4J sees " + gpus.size()
                    + (gpus.size() == 1 ? " GPU" : " GPUs") + ", counted from 0");
        }
        Gpu gpu = gpus.get(index);
        if (gpu.architecture() < OLDEST || gpu.architecture() > NEWEST) {
            throw new EngineException("engine nd4j: " + gpu.name() + " is of architecture sm_" + gpu.architecture()
                    + "; nd4j-cuda has code for sm_" + OLDEST + " to sm_" + NEWEST
                    + ": set engine.name = cuda (Turing and later) or build without -Pnd4j-cuda");
        }
    }

    /** Makes device {@code index} the calling thread's. */
    void use(int index) {
        if (!processor()) {
            Nd4j.getAffinityManager().unsafeSetDevice(index);
        }
    }

    /** One line about device {@code index}. */
    String description(int index) {
        String where = processor()
                ? name
                : name + ", device " + index + ", " + gpus.get(index).name();
        return "nd4j on " + where + ", the reference: correct, not fast";
    }
}
