package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.nvrtc.*;

import io.fathom.engine.EngineException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * Compiles kernels with NVRTC and keeps the machine code on disk, by hash of source, options, architecture and compiler
 * version. A cache that cannot be read or written costs seconds, never the run.
 */
final class KernelCompiler {
    private final Path cache;

    KernelCompiler(Path cache) {
        this.cache = cache;
    }

    /** The compiler with the user's cache: {@code $XDG_CACHE_HOME/fathom/cuda}, else {@code ~/.cache/fathom/cuda}. */
    static KernelCompiler ofUser() {
        String base = System.getenv("XDG_CACHE_HOME");
        Path root = base == null || base.isEmpty()
                ? Path.of(System.getProperty("user.home", "."), ".cache")
                : Path.of(base);
        return new KernelCompiler(root.resolve("fathom").resolve("cuda"));
    }

    /** Where machine code and other measured things are kept. */
    Path cache() {
        return cache;
    }

    /**
     * Machine code of {@code source} for {@code architecture} (90 for sm_90). For an architecture newer than the
     * compiler the result is PTX of the newest it knows, which the driver finishes.
     */
    byte[] compile(KernelSource source, int architecture) {
        int newest = newestArchitecture(architecture);
        String special = source.warpgroupAttention(architecture) ? "a" : "";
        String target = newest == architecture ? "sm_" + architecture + special : "compute_" + newest;
        List<String> options = new ArrayList<>(source.definitions(architecture));
        options.add("--gpu-architecture=" + target);
        options.add("--std=c++17");
        String text = source.text();
        Path file = cache.resolve(key(text, options, version()) + (newest == architecture ? ".cubin" : ".ptx"));
        byte[] kept = read(file);
        if (kept.length > 0) {
            return kept;
        }
        byte[] code = compile(text, options, newest == architecture);
        keep(file, code);
        return code;
    }

    /** Name of a cache entry. */
    static String key(String text, List<String> options, String version) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update((version + "\n" + String.join("\n", options) + "\n" + text).getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest.digest(), 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] read(Path file) {
        try {
            return Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
        } catch (IOException e) {
            return new byte[0];
        }
    }

    private static void keep(Path file, byte[] code) {
        try {
            Path folder = Files.createDirectories(file.toAbsolutePath().getParent());
            Path part = Files.createTempFile(folder, "part", ".tmp");
            Files.write(part, code);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            // The next process compiles again.
            return;
        }
    }

    private static String version() {
        int[] major = new int[1];
        int[] minor = new int[1];
        Cuda.checkCompiler(nvrtcVersion(major, minor), "nvrtcVersion");
        return major[0] + "." + minor[0];
    }

    private static int newestArchitecture(int architecture) {
        int[] count = new int[1];
        Cuda.checkCompiler(nvrtcGetNumSupportedArchs(count), "nvrtcGetNumSupportedArchs");
        int[] known = new int[count[0]];
        Cuda.checkCompiler(nvrtcGetSupportedArchs(known), "nvrtcGetSupportedArchs");
        int newest = 0;
        for (int candidate : known) {
            if (candidate <= architecture) {
                newest = Math.max(newest, candidate);
            }
        }
        if (newest == 0) {
            throw new EngineException(
                    "engine cuda: the installed NVRTC " + version() + " makes no code for sm_" + architecture);
        }
        return newest;
    }

    private static byte[] compile(String text, List<String> options, boolean cubin) {
        try (_nvrtcProgram program = new _nvrtcProgram();
                BytePointer source = new BytePointer(text);
                BytePointer name = new BytePointer("fathom.cu");
                PointerPointer<BytePointer> arguments = new PointerPointer<>(options.toArray(new String[0]));
                SizeTPointer size = new SizeTPointer(1)) {
            Cuda.checkCompiler(
                    nvrtcCreateProgram(program, source, name, 0, (PointerPointer<?>) null, (PointerPointer<?>) null),
                    "nvrtcCreateProgram");
            try {
                int code = nvrtcCompileProgram(program, options.size(), arguments);
                if (code != 0) {
                    nvrtcGetProgramLogSize(program, size);
                    byte[] log = new byte[(int) size.get()];
                    nvrtcGetProgramLog(program, log);
                    throw new EngineException("engine cuda: the kernels do not compile: "
                            + new String(log, StandardCharsets.UTF_8).trim());
                }
                Cuda.checkCompiler(
                        cubin ? nvrtcGetCUBINSize(program, size) : nvrtcGetPTXSize(program, size), "nvrtc size");
                byte[] machineCode = new byte[(int) size.get()];
                Cuda.checkCompiler(
                        cubin ? nvrtcGetCUBIN(program, machineCode) : nvrtcGetPTX(program, machineCode), "nvrtc code");
                return machineCode;
            } finally {
                nvrtcDestroyProgram(program);
            }
        }
    }
}
