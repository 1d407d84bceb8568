package io.fathom.engine.cuda;

import io.fathom.engine.EngineException;
import io.fathom.engine.Precision;
import io.fathom.program.Program;
import io.fathom.program.Programs;
import java.util.List;
import java.util.Locale;

/**
 * Device memory of a session, known before anything is taken.
 *
 * @param vectorBytes parameters and, when training, gradient and moments; copies for narrow products
 * @param arenaBytes activations
 * @param workBytes logits in pieces, partial sums, products' workspace, staged inputs
 */
record MemoryNeeds(long vectorBytes, long arenaBytes, long workBytes) {
    /** What a context, its modules and cuBLAS take beside our own. */
    private static final long MARGIN = 64L << 20;

    /** Needs of {@code program} whose activations are planned as {@code arena}. */
    static MemoryNeeds of(Program program, Precision precision, ArenaPlan arena, WorkNeeds work) {
        long n = program.layout().size();
        long vectors = n * 4 * (program.training() ? 4 : 1) + (precision == Precision.BF16 ? n * 2 : 0) + n / 32;
        long inputs = Staging.bytes(program.tokens(), work.noise().size());
        long rest = work.scratchBytes()
                + work.partialBytes()
                + work.slotBytes()
                + 2 * PartialSums.TABLE_BYTES
                + MatrixProducts.WORKSPACE_BYTES
                + inputs;
        return new MemoryNeeds(vectors, arena.bytes(), rest);
    }

    /** Needs of {@code program} on a device of {@code processors} multiprocessors. */
    static MemoryNeeds of(Program program, Precision precision, int processors) {
        List<Step> steps = Fusion.steps(program, CudaSession.epilogues(precision));
        ArenaPlan arena = ArenaPlan.of(steps, program.outputs().values(), new ElementTypes(program, precision));
        return of(program, precision, arena, WorkNeeds.of(steps, processors, CudaSession.elementBytes(precision)));
    }

    /** All of it. */
    long total() {
        return vectorBytes + arenaBytes + workBytes + MARGIN;
    }

    /** Throws {@link EngineException}, with the micro-batch that would fit, unless {@code free} bytes suffice. */
    void require(Program program, Precision precision, int processors, long free) {
        if (total() <= free) {
            return;
        }
        String message = "engine cuda: needs " + gib(total()) + ", " + gib(free) + " free: ";
        for (int b = program.sequences() / 2; b >= 1; b /= 2) {
            Program smaller =
                    program.training() ? Programs.training(program.spec(), b) : Programs.inference(program.spec(), b);
            long total = of(smaller, precision, processors).total();
            if (total <= free) {
                throw new EngineException(message + "micro-batch " + b + " needs " + gib(total)
                        + " (raise train.microBatches or lower train.batch)");
            }
        }
        throw new EngineException(message + "not even micro-batch 1 fits; parameters and optimizer alone take "
                + gib(vectorBytes) + ": choose a smaller model, a larger GPU, or engine.precision = bf16");
    }

    private static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
    }
}
