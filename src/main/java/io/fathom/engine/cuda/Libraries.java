package io.fathom.engine.cuda;

import io.fathom.engine.EngineException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.javacpp.Loader;

/** The driver and CUDA 13 libraries of this machine: loaded once, with what is missing named. */
final class Libraries {
    /** Oldest CUDA version that the driver must support: 13.0 came with driver 580. */
    static final int REQUIRED = 13000;

    private static final Pattern LIBRARY = Pattern.compile("(lib[\\w+-]+\\.so[.\\d]*): cannot open");
    /** What a driver leaves on Linux, in a container, and under WSL. */
    private static final List<Path> DRIVER_MARKS =
            List.of(Path.of("/dev/nvidiactl"), Path.of("/proc/driver/nvidia/version"), Path.of("/dev/dxg"));

    private Libraries() {}

    /** Why CUDA cannot be used here, found without loading any native code; empty when there is a driver. */
    static Optional<String> missingDriver() {
        if (DRIVER_MARKS.stream().anyMatch(Files::exists)) {
            return Optional.empty();
        }
        return Optional.of("no NVIDIA driver on this machine (none of /dev/nvidiactl, /proc/driver/nvidia/version,"
                + " /dev/dxg): install driver 580 or newer, or set engine.name = cpu");
    }

    /** Loads everything but the compiler; throws {@link EngineException} with the remedy where that cannot be. */
    static void load() {
        missingDriver().ifPresent(reason -> {
            throw new EngineException("engine cuda: " + reason);
        });
        load(cudart.class);
        int[] version = new int[1];
        Cuda.check(cudart.cudaDriverGetVersion(version), "cudaDriverGetVersion");
        requireDriver(version[0]);
        load(cublas.class);
    }

    /** Loads the compiler; its bindings want the driver's library to be there, not a GPU. */
    static void loadCompiler() {
        load(nvrtc.class);
    }

    private static void load(Class<?> binding) {
        try {
            Loader.load(binding);
        } catch (LinkageError e) {
            Throwable cause = e;
            while (cause.getCause() != null) {
                cause = cause.getCause();
            }
            throw new EngineException("engine cuda: " + explain(String.valueOf(cause.getMessage())), e);
        }
    }

    /** Throws when a driver that supports CUDA {@code version} (13000 for 13.0; 0 for none) is too old. */
    static void requireDriver(int version) {
        if (version < REQUIRED) {
            throw new EngineException("engine cuda: the driver supports CUDA " + name(version) + ", needed is "
                    + name(REQUIRED) + ": install driver 580 or newer, or set engine.name = cpu");
        }
    }

    /** What to do about a loader's message. */
    static String explain(String message) {
        Matcher library = LIBRARY.matcher(message);
        String name = library.find() ? library.group(1) : message;
        if (name.startsWith("libcuda.so")) {
            return name + " is missing: install the NVIDIA driver, 580 or newer, or set engine.name = cpu";
        }
        return name + " is missing: install the CUDA 13 libraries (cudart, cublas, nvrtc) and put their folder on"
                + " LD_LIBRARY_PATH, or add org.bytedeco:cuda with classifier linux-x86_64-redist to the class path";
    }

    /** 13000 as 13.0. */
    static String name(int version) {
        return version / 1000 + "." + version % 1000 / 10;
    }
}
