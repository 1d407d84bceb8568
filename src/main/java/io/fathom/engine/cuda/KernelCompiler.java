package io.fathom.engine.cuda;

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
import java.util.function.Supplier;

/**
 * Compiles kernels with what this machine has and keeps the machine code on disk, by hash of source, options,
 * architecture and compiler version. A cache that cannot be read or written costs seconds, never the run.
 */
final class KernelCompiler {
    private final Path cache;
    private final Supplier<CodeMaker> maker;

    /** Keeps machine code in {@code cache}; {@code maker} is asked when something is to be compiled. */
    KernelCompiler(Path cache, Supplier<CodeMaker> maker) {
        this.cache = cache;
        this.maker = maker;
    }

    /** The compiler with the user's cache: {@code $XDG_CACHE_HOME/fathom/cuda}, else {@code ~/.cache/fathom/cuda}. */
    static KernelCompiler ofUser() {
        String base = System.getenv("XDG_CACHE_HOME");
        Path root = base == null || base.isEmpty()
                ? Path.of(System.getProperty("user.home", "."), ".cache")
                : Path.of(base);
        return new KernelCompiler(root.resolve("fathom").resolve("cuda"), CodeMaker::ofMachine);
    }

    /** Where machine code and other measured things are kept. */
    Path cache() {
        return cache;
    }

    /**
     * Machine code of {@code source} for {@code architecture} (90 for sm_90). For an architecture newer than the
     * compiler the result is PTX of the newest it knows, which the driver finishes.
     */
    byte[] compile(CompilationUnit source, int architecture) {
        CodeMaker compiler = maker.get();
        int newest = newestArchitecture(compiler, architecture);
        String special = source.special(architecture) ? "a" : "";
        String target = newest == architecture ? "sm_" + architecture + special : "compute_" + newest;
        List<String> options = new ArrayList<>(source.definitions(architecture));
        options.add("--std=c++17");
        String text = source.text();
        Path file = cache.resolve(
                key(text, target, options, compiler.version()) + (newest == architecture ? ".cubin" : ".ptx"));
        byte[] kept = read(file);
        if (kept.length > 0) {
            return kept;
        }
        byte[] code = compiler.compile(text, target, options);
        keep(file, code);
        return code;
    }

    /** Name of a cache entry. */
    static String key(String text, String target, List<String> options, String version) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update((version + "\n" + target + "\n" + String.join("\n", options) + "\n" + text)
                    .getBytes(StandardCharsets.UTF_8));
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

    private static int newestArchitecture(CodeMaker compiler, int architecture) {
        return compiler.architectures().stream()
                .filter(candidate -> candidate <= architecture)
                .max(Integer::compare)
                .orElseThrow(() -> new EngineException("engine cuda: the compiler " + compiler.version()
                        + " makes no code for sm_" + architecture + ": install CUDA 13"));
    }
}
