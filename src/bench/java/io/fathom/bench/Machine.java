package io.fathom.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the figures were taken on. */
final class Machine {
    private Machine() {}

    static String describe() {
        return model() + ", " + Runtime.getRuntime().availableProcessors() + " processors, Java " + Runtime.version()
                + ", " + System.getProperty("os.name") + " " + System.getProperty("os.version");
    }

    private static String model() {
        try {
            return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                    .filter(line -> line.startsWith("model name"))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).trim())
                    .orElse(System.getProperty("os.arch"));
        } catch (IOException e) {
            return System.getProperty("os.arch");
        }
    }
}
