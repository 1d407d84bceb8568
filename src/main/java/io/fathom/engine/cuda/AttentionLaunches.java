package io.fathom.engine.cuda;

import io.fathom.program.Instruction.Attention;
import io.fathom.program.Instruction.AttentionGrad;

/** Launches of attention.cu, attention_mma.cu and attention_wgmma.cu. */
final class AttentionLaunches {
    private static final int ANY_ROWS = 8;
    private static final int ANY_TILE = 32;

    private final Work work;
    private final int headWidth;
    private final boolean tensorCores;
    private final boolean warpgroups;

    AttentionLaunches(Work work) {
        this.work = work;
        this.headWidth = work.source.headWidth();
        this.tensorCores = work.source.tensorCoreAttention();
        this.warpgroups = work.source.warpgroupAttention(work.kernels.device().architecture());
    }

    void forward(Attention x) {
        int n = x.length();
        if (warpgroups) {
            launch(
                    "attention_wgmma",
                    WorkNeeds.ceil(n, 64),
                    x.sequences() * x.heads(),
                    128,
                    swizzledBytes(5),
                    work.at.of(x.qkv()),
                    work.at.of(x.y()),
                    work.at.of(x.logSumExp()),
                    n,
                    x.heads());
            return;
        }
        int queries = headWidth <= 64 ? 128 : 64;
        launch(
                tensorCores ? "attention_mma" : "attention_any",
                WorkNeeds.ceil(n, tensorCores ? queries : ANY_ROWS),
                x.sequences() * x.heads(),
                threads(),
                tensorCores ? tileBytes(queries + 4 * tile()) : anyBytes(ANY_ROWS),
                work.at.of(x.qkv()),
                work.at.of(x.y()),
                work.at.of(x.logSumExp()),
                n,
                x.heads());
    }

    void gradient(AttentionGrad x) {
        int n = x.length();
        int rows = x.dy().rows();
        long delta = work.scratch;
        work.rows("attention_delta", rows, work.at.of(x.y()), work.at.of(x.dy()), delta, rows, n, x.heads());
        Object[] arguments = {
            work.at.of(x.qkv()),
            work.at.of(x.dy()),
            work.at.of(x.logSumExp()),
            delta,
            work.at.of(x.dqkv()),
            n,
            x.heads()
        };
        int blocks = WorkNeeds.ceil(n, tensorCores ? 64 : ANY_ROWS);
        int heads = x.sequences() * x.heads();
        if (warpgroups) {
            launch("attention_dq_wgmma", WorkNeeds.ceil(n, 128), heads, 256, swizzledBytes(8), arguments);
            launch("attention_dkv_wgmma", blocks, heads, 128, swizzledBytes(6), arguments);
            return;
        }
        int shared = tensorCores ? tileBytes(128 + 4 * tile()) : anyBytes(2 * ANY_ROWS);
        launch(tensorCores ? "attention_dq_mma" : "attention_dq_any", blocks, heads, threads(), shared, arguments);
        launch(
                tensorCores ? "attention_dkv_mma" : "attention_dkv_any",
                blocks,
                heads,
                threads(),
                shared + (tensorCores ? 16 * tile() : 0),
                arguments);
    }

    private void launch(String kernel, int blocks, int heads, int threads, int shared, Object... arguments) {
        work.kernels.launch(work.stream, kernel, blocks, heads, threads, shared, arguments);
    }

    private int threads() {
        return tensorCores ? 128 : 256;
    }

    /** Tiles of 64 x 64, and room to begin them at a multiple of 1024 bytes. */
    private static int swizzledBytes(int tiles) {
        return tiles * 8192 + 1024;
    }

    /** BN in attention_mma.cu. */
    private int tile() {
        return headWidth <= 64 ? 64 : 32;
    }

    private int tileBytes(int rows) {
        return rows * (headWidth + 8) * 2;
    }

    private int anyBytes(int single) {
        return (2 * ANY_TILE + single) * (headWidth + 1) * 4;
    }
}
