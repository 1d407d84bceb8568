package io.fathom.engine.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Which algorithm was fastest for each shape on this kind of device, kept on disk: a later run takes the same and so
 * gives the same bits. A file that cannot be read or written only means measuring again.
 */
final class ProductChoices {
    private static final int WORDS = 8;

    private final Path file;
    private final Map<String, long[]> choices = new TreeMap<>();
    private boolean changed;

    /** The choices kept in {@code folder} for {@code device} with version {@code library} of cuBLASLt. */
    ProductChoices(Path folder, String device, long library) {
        this.file = folder.resolve("products-" + device.replaceAll("[^A-Za-z0-9]+", "-") + "-" + library + ".txt");
        try {
            for (String line : Files.exists(file) ? Files.readAllLines(file) : List.<String>of()) {
                parse(line);
            }
        } catch (IOException e) {
            choices.clear();
        }
    }

    private void parse(String line) {
        String[] parts = line.split("\t", -1);
        if (parts.length == WORDS + 1) {
            long[] words = new long[WORDS];
            for (int i = 0; i < WORDS; i++) {
                words[i] = Long.parseUnsignedLong(parts[i + 1], 16);
            }
            choices.put(parts[0], words);
        }
    }

    /** The kept choice for {@code key}. */
    Optional<long[]> find(String key) {
        return Optional.ofNullable(choices.get(key));
    }

    /** Keeps {@code words} for {@code key}. */
    void put(String key, long[] words) {
        choices.put(key, words);
        changed = true;
    }

    /** Writes what is new. */
    void save() {
        if (!changed) {
            return;
        }
        List<String> lines = new ArrayList<>();
        choices.forEach((key, words) -> {
            StringBuilder line = new StringBuilder(key);
            for (long word : words) {
                line.append('\t').append(Long.toHexString(word));
            }
            lines.add(line.toString());
        });
        try {
            Path folder = Files.createDirectories(file.toAbsolutePath().getParent());
            Path part = Files.createTempFile(folder, "part", ".tmp");
            Files.write(part, lines);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            changed = false;
        } catch (IOException e) {
            // The next run measures again.
            return;
        }
    }
}
