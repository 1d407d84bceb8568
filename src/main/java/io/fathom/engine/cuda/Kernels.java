package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.*;

import io.fathom.engine.EngineException;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUlaunchAttribute;
import org.bytedeco.cuda.cudart.CUlaunchConfig;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/** The compiled kernels of one model on one device, launched by name. */
final class Kernels implements AutoCloseable {
    private static final int DEFAULT_SHARED = 48 * 1024;
    /**
     * Architectures from here on can launch a kernel before the one ahead has ended; AWAIT_PREDECESSOR in common.cuh.
     */
    private static final int OVERLAPPING = 90;

    private final Device device;
    private final CUmod_st module = new CUmod_st();
    private final Map<String, CUfunc_st> functions = new HashMap<>();
    private final Map<String, Integer> shared = new HashMap<>();

    Kernels(Device device, byte[] code) {
        this.device = device;
        try (BytePointer image = new BytePointer(code.length + 1L)) {
            image.put(code, 0, code.length).put(code.length, (byte) 0);
            Cuda.checkDriver(cuModuleLoadData(module, image), "loading kernels");
        }
    }

    /** The device they run on. */
    Device device() {
        return device;
    }

    /**
     * Launches {@code name} over {@code x} times {@code y} blocks. Arguments are Long (addresses and 64-bit sizes),
     * Integer, Float, or byte[] (a structure by value).
     */
    void launch(CUstream_st stream, String name, int x, int y, int threads, int sharedBytes, Object... arguments) {
        CUfunc_st function = function(name, sharedBytes);
        long bytes = 0;
        for (Object argument : arguments) {
            bytes += size(argument);
        }
        try (BytePointer values = new BytePointer(Math.max(bytes, 8));
                PointerPointer<Pointer> places = new PointerPointer<>(Math.max(arguments.length, 1));
                CUlaunchAttribute early = new CUlaunchAttribute();
                CUlaunchConfig config = new CUlaunchConfig()) {
            long at = 0;
            for (int i = 0; i < arguments.length; i++) {
                put(values, at, arguments[i]);
                places.put(i, Cuda.at(values.address() + at));
                at += size(arguments[i]);
            }
            early.id(CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION);
            early.value().programmaticStreamSerializationAllowed(1);
            config.gridDimX(x)
                    .gridDimY(y)
                    .gridDimZ(1)
                    .blockDimX(threads)
                    .blockDimY(1)
                    .blockDimZ(1);
            config.sharedMemBytes(sharedBytes).hStream(stream).attrs(early);
            config.numAttrs(device.architecture() >= OVERLAPPING ? 1 : 0);
            Cuda.checkDriver(
                    cuLaunchKernelEx(config, function, places, (PointerPointer<?>) null),
                    "kernel " + name + " over " + x + " x " + y + " blocks of " + threads);
        }
    }

    private static long size(Object argument) {
        return argument instanceof byte[] structure ? (structure.length + 15L) / 16 * 16 : 8;
    }

    private static void put(BytePointer values, long at, Object argument) {
        if (argument instanceof Long value) {
            values.putLong(at, value);
        } else if (argument instanceof Integer value) {
            values.putInt(at, value);
        } else if (argument instanceof Float value) {
            values.putFloat(at, value);
        } else {
            values.position(at).put((byte[]) argument).position(0);
        }
    }

    private CUfunc_st function(String name, int sharedBytes) {
        CUfunc_st function = functions.computeIfAbsent(name, n -> {
            CUfunc_st found = new CUfunc_st();
            Cuda.checkDriver(cuModuleGetFunction(found, module, n), "kernel " + n);
            return found;
        });
        if (sharedBytes > DEFAULT_SHARED && sharedBytes > shared.getOrDefault(name, 0)) {
            if (sharedBytes > device.sharedBytes()) {
                throw new EngineException("engine cuda: kernel " + name + " needs " + sharedBytes
                        + " bytes of shared memory, " + device.name() + " has " + device.sharedBytes()
                        + ": make the model's heads narrower, or set engine.name = cpu");
            }
            Cuda.checkDriver(
                    cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, sharedBytes),
                    "shared memory of " + name);
            shared.put(name, sharedBytes);
        }
        return function;
    }

    @Override
    public void close() {
        cuModuleUnload(module);
    }
}
