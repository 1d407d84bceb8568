package io.fathom.engine.cuda;

import io.fathom.engine.EngineException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The compiler as a program. It needs neither a driver nor a GPU. */
final class Nvcc implements CodeMaker {
    private static final Pattern RELEASE = Pattern.compile("release [\\d.]+, V([\\d.]+)");
    private static final Pattern ARCHITECTURE = Pattern.compile("compute_(\\d+)");

    private final Path program;
    private final String version;

    private Nvcc(Path program, String version) {
        this.program = program;
        this.version = version;
    }

    /** The one of {@code CUDA_HOME}, {@code CUDA_PATH}, the {@code PATH} or {@code /usr/local/cuda}, in this order. */
    static Optional<Nvcc> ofMachine() {
        List<Path> places = new ArrayList<>();
        for (String home : List.of("CUDA_HOME", "CUDA_PATH")) {
            Optional.ofNullable(System.getenv(home)).map(Path::of).ifPresent(path -> places.add(path.resolve("bin")));
        }
        Stream.of(Optional.ofNullable(System.getenv("PATH")).orElse("").split(":"))
                .filter(path -> !path.isEmpty())
                .map(Path::of)
                .forEach(places::add);
        places.add(Path.of("/usr/local/cuda/bin"));
        return places.stream()
                .map(place -> place.resolve("nvcc"))
                .filter(Files::isExecutable)
                .findFirst()
                .flatMap(Nvcc::at);
    }

    /** The program at {@code path}; empty where it is none that tells its version. */
    private static Optional<Nvcc> at(Path path) {
        try {
            Matcher release = RELEASE.matcher(output(List.of(path.toString(), "--version")));
            return release.find() ? Optional.of(new Nvcc(path, "nvcc " + release.group(1))) : Optional.empty();
        } catch (EngineException e) {
            return Optional.empty();
        }
    }

    @Override
    public String version() {
        return version;
    }

    @Override
    public List<Integer> architectures() {
        return ARCHITECTURE
                .matcher(output(List.of(program.toString(), "--list-gpu-arch")))
                .results()
                .map(MatchResult::group)
                .map(name -> Integer.valueOf(name.substring("compute_".length())))
                .toList();
    }

    @Override
    public byte[] compile(String text, String target, List<String> options) {
        try {
            Path folder = Files.createTempDirectory("fathom-nvcc");
            Path source = folder.resolve("fathom.cu");
            Path made = folder.resolve("fathom.out");
            try {
                Files.writeString(source, text);
                List<String> command = new ArrayList<>(List.of(program.toString()));
                command.addAll(options);
                command.addAll(List.of(target.startsWith("sm_") ? "--cubin" : "--ptx", "--gpu-architecture=" + target));
                command.addAll(List.of("-o", made.toString(), source.toString()));
                output(command);
                return Files.readAllBytes(made);
            } finally {
                for (Path each : List.of(made, source, folder)) {
                    Files.deleteIfExists(each);
                }
            }
        } catch (IOException e) {
            throw new EngineException("engine cuda: nvcc cannot be used: " + e, e);
        }
    }

    /** What {@code command} prints; throws its words where it fails. */
    private static String output(List<String> command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
            if (process.waitFor() != 0) {
                throw new EngineException("engine cuda: the kernels do not compile: " + said);
            }
            return said;
        } catch (IOException e) {
            throw new EngineException("engine cuda: nvcc cannot be started: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EngineException("engine cuda: interrupted while compiling kernels", e);
        }
    }
}
