package io.fathom.engine.cuda;

import io.fathom.model.Gate;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What the kernels are compiled for: they are made for one model's sizes, so that rows and tiles have fixed extents.
 *
 * @param narrow whether activations are bfloat16
 * @param width D
 * @param headWidth D / h
 * @param gate g
 */
record KernelSource(boolean narrow, int width, int headWidth, Gate gate) {
    private static final List<String> FILES = List.of(
            "common.cuh",
            "rows.cu",
            "routing.cu",
            "loss.cu",
            "embedding.cu",
            "optimizer.cu",
            "attention.cu",
            "attention_mma.cu",
            "attention_wgmma.cu");
    /** Hopper: the one architecture with warpgroup products. */
    private static final int HOPPER = 90;

    /** All source files as one translation unit; errors still name file and line. */
    String text() {
        StringBuilder text = new StringBuilder();
        for (String file : FILES) {
            text.append("#line 1 \"")
                    .append(file)
                    .append("\"\n")
                    .append(read(file))
                    .append('\n');
        }
        return text.toString();
    }

    /** The compiler's options that fix the sizes, for {@code architecture} (90 for sm_90). */
    List<String> definitions(int architecture) {
        return List.of(
                "-DWGMMA=" + (warpgroupAttention(architecture) ? 1 : 0),
                "-DREAL_BF16=" + (narrow ? 1 : 0),
                "-DWIDTH=" + width,
                "-DHEAD_WIDTH=" + headWidth,
                "-DGATE=" + code(gate));
    }

    private static int code(Gate gate) {
        return switch (gate) {
            case SIGMOID -> 0;
            case RAW -> 1;
            case TANH -> 2;
        };
    }

    /** Whether attention runs on the tensor cores. */
    boolean tensorCoreAttention() {
        return narrow && headWidth % 16 == 0 && headWidth <= 128;
    }

    /** Whether attention runs on Hopper's warpgroup products. */
    boolean warpgroupAttention(int architecture) {
        return architecture == HOPPER && narrow && headWidth == 64;
    }

    private static String read(String file) {
        try (InputStream in = KernelSource.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new IllegalStateException("resource " + file + " is not in the jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
