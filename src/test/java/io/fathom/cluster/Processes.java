package io.fathom.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Starts JVMs of the tests' own class path, with a Spark home made of the build's own jars. */
final class Processes {
    private Processes() {}

    /** The flags that let Spark see the JDK's insides. */
    static List<String> opens() {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--add-opens"))
                .toList();
    }

    /** Flags of a JVM that ends soon: what Spark needs, and no more compiling than pays. */
    static List<String> quick() {
        List<String> flags = new ArrayList<>(opens());
        flags.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        return flags;
    }

    /** Starts {@code main}; its output goes to {@code directory/output}. */
    static Process start(Path directory, Class<?> main, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(quick());
        command.add("-Xmx512m");
        command.add("-Dgpu.discovery=" + Path.of("conf/gpu-discovery.sh").toAbsolutePath());
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(main.getName());
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("output").toFile());
        builder.environment().put("SPARK_HOME", sparkHome(directory).toString());
        builder.environment().put("SPARK_SCALA_VERSION", "2.12");
        builder.environment().put("PATH", nvidiaSmi(directory) + ":" + System.getenv("PATH"));
        return builder.start();
    }

    /** Kills this process with signal 9. */
    static void killThisOne() {
        try {
            long self = ProcessHandle.current().pid();
            new ProcessBuilder("kill", "-9", Long.toString(self)).start().waitFor();
            Thread.sleep(10_000);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What {@code local-cluster} asks of an installation: a RELEASE file and the jars. */
    private static Path sparkHome(Path directory) throws IOException {
        Path home = directory.resolve("spark-home");
        if (!Files.exists(home)) {
            Path jars = Files.createDirectories(home.resolve("jars"));
            Files.writeString(home.resolve("RELEASE"), "from the build's jars\n");
            for (String entry : System.getProperty("java.class.path").split(":", 0)) {
                Path jar = Path.of(entry);
                if (entry.endsWith(".jar")) {
                    Files.createSymbolicLink(jars.resolve(jar.getFileName()), jar);
                }
            }
        }
        return home;
    }

    /** A directory with an {@code nvidia-smi} that finds two GPUs. */
    private static Path nvidiaSmi(Path directory) throws IOException {
        Path bin = Files.createDirectories(directory.resolve("bin"));
        Path program = bin.resolve("nvidia-smi");
        Files.writeString(program, "#!/bin/sh\nprintf '0\\n1\\n'\n");
        if (!program.toFile().setExecutable(true)) {
            throw new IOException("cannot make " + program + " executable");
        }
        return bin;
    }
}
