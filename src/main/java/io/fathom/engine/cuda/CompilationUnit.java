package io.fathom.engine.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Kernels that are compiled together, for one model's sizes. */
interface CompilationUnit {
    /** The resources it consists of, in order. */
    List<String> files();

    /** The compiler's options that fix the sizes, for {@code architecture} (90 for sm_90). */
    List<String> definitions(int architecture);

    /** Whether it uses instructions of {@code architecture} that no other has. */
    boolean special(int architecture);

    /** All source files as one translation unit; errors still name file and line. */
    default String text() {
        StringBuilder text = new StringBuilder();
        for (String file : files()) {
            text.append("#line 1 \"")
                    .append(file)
                    .append("\"\n")
                    .append(read(file))
                    .append('\n');
        }
        return text.toString();
    }

    private static String read(String file) {
        try (InputStream in = CompilationUnit.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new IllegalStateException("resource " + file + " is not in the jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
