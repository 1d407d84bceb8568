package io.fathom.engine.cuda;

import io.fathom.program.Instruction;
import io.fathom.program.Instruction.AttentionGrad;
import io.fathom.program.Instruction.ColumnSum;
import io.fathom.program.Instruction.EmbeddingGrad;
import io.fathom.program.Instruction.HeadLoss;
import io.fathom.program.Instruction.LayerNormGrad;
import io.fathom.program.Instruction.RandomScores;
import io.fathom.program.Instruction.RouterScoresGrad;
import io.fathom.program.Instruction.TopK;
import java.util.ArrayList;
import java.util.List;

/**
 * How launches are cut, and the device memory that takes.
 *
 * @param scratchBytes room that one instruction at a time uses
 * @param partialBytes room for all partial sums of a run
 * @param slotBytes room for the inverse of each top-k's index
 * @param noise which blocks take Gaussian scores, in order
 */
record WorkNeeds(long scratchBytes, long partialBytes, long slotBytes, List<Integer> noise) {
    /** Threads of a block in kernels of one warp a row. */
    static final int ROW_THREADS = 256;
    /** Sorted positions that one warp of the embedding gradient takes; STRETCH in embedding.cu. */
    static final int STRETCH = 16;
    /** Most bytes of logits in memory at a time: the head runs over pieces of the rows. */
    static final long LOGITS_BYTES = 1L << 30;

    /** Needs of {@code steps} on a device of {@code processors} multiprocessors. */
    static WorkNeeds of(List<Step> steps, int processors, int elementBytes) {
        long scratch = 0;
        long partial = 0;
        long slots = 0;
        List<Integer> noise = new ArrayList<>();
        for (Step step : steps) {
            Instruction instruction = step.instruction();
            if (instruction instanceof HeadLoss head) {
                scratch = Math.max(scratch, (long) headRows(head, elementBytes) * headStride(head) * elementBytes);
            } else if (instruction instanceof TopK choice) {
                slots += slotBytes(choice.scores().rows());
            } else if (instruction instanceof RandomScores random) {
                noise.add(random.block());
            } else if (instruction instanceof AttentionGrad grad) {
                scratch = Math.max(scratch, 4L * grad.dy().rows() * grad.heads());
            } else if (instruction instanceof EmbeddingGrad grad) {
                scratch = Math.max(
                        scratch,
                        8L * ceil(grad.dOut().rows(), STRETCH) * grad.dOut().columns());
            } else if (instruction instanceof LayerNormGrad grad) {
                partial += 256
                        + 12L
                                * rowBlocks(grad.dx().rows(), processors)
                                * grad.dx().columns();
            } else if (instruction instanceof RouterScoresGrad grad) {
                partial += 256
                        + 8L
                                * rowBlocks(grad.dx().rows(), processors)
                                * grad.dx().columns();
            } else if (instruction instanceof ColumnSum sum) {
                int rows = sum.dy().rows();
                partial += 256
                        + 4L
                                * ceil(rows, chunk(rows, sum.dy().columns(), processors))
                                * sum.dy().columns();
            }
        }
        return new WorkNeeds(scratch, partial, slots, List.copyOf(noise));
    }

    /** Bytes of one inverse index. */
    static long slotBytes(int rows) {
        return (4L * rows + 255) / 256 * 256;
    }

    /** Blocks of a kernel that deals rows to blocks in turn. */
    static int rowBlocks(int rows, int processors) {
        return Math.min(ceil(rows, ROW_THREADS / 32), processors);
    }

    /** Whether column sums of {@code columns} columns move 8 elements a thread. */
    static boolean wideColumns(int columns) {
        return columns % 8 == 0;
    }

    /** Rows that one block of a column sum takes. */
    static int chunk(int rows, int columns, int processors) {
        int tiles = ceil(columns, wideColumns(columns) ? 256 : 32);
        int chunks = Math.max(1, Math.min(4 * processors / tiles, ceil(rows, 32)));
        return ceil(ceil(rows, chunks), 8) * 8;
    }

    /** Elements between rows of logits: the vocabulary, so that rows begin at 16-byte steps. */
    static int headStride(HeadLoss head) {
        return ceil(head.table().rows(), 8) * 8;
    }

    /** Rows of logits in memory at a time. */
    static int headRows(HeadLoss head, int elementBytes) {
        int rows = head.x().rows();
        int pieces = (int) ((long) rows * headStride(head) * elementBytes / LOGITS_BYTES) + 1;
        return Math.min(rows, ceil(ceil(rows, pieces), 128) * 128);
    }

    static int ceil(int a, int b) {
        return (a + b - 1) / b;
    }
}
