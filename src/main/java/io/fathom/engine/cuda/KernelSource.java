package io.fathom.engine.cuda;

import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import java.util.List;

/**
 * What the kernels of a step are compiled for: they are made for one model's sizes, so that rows and tiles have fixed
 * extents.
 *
 * @param narrow whether activations are bfloat16
 * @param width D
 * @param headWidth D / h
 * @param gate g
 */
record KernelSource(boolean narrow, int width, int headWidth, Gate gate) implements CompilationUnit {
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

    @Override
    public List<String> files() {
        return FILES;
    }

    @Override
    public List<String> definitions(int architecture) {
        return List.of(
                "-DWGMMA=" + (warpgroupAttention(architecture) ? 1 : 0),
                "-DREAL_BF16=" + (narrow ? 1 : 0),
                "-DWIDTH=" + width,
                "-DHEAD_WIDTH=" + headWidth,
                "-DGATE=" + code(gate));
    }

    @Override
    public boolean special(int architecture) {
        return warpgroupAttention(architecture);
    }

    /** What GATE is in the sources. */
    static int code(Gate gate) {
        return switch (gate) {
            case SIGMOID -> 0;
            case RAW -> 1;
            case TANH -> 2;
        };
    }

    /** The gate that {@code spec} routes by; any where it does not route. */
    static Gate gate(ModelSpec spec) {
        return spec.routing() instanceof Routing.Routed routed ? routed.gate() : Gate.SIGMOID;
    }

    /** Whether attention runs on the tensor cores. */
    boolean tensorCoreAttention() {
        return narrow && headWidth % 16 == 0 && headWidth <= 128;
    }

    /** Whether attention runs on Hopper's warpgroup products. */
    boolean warpgroupAttention(int architecture) {
        return architecture == HOPPER && narrow && headWidth == 64;
    }
}
