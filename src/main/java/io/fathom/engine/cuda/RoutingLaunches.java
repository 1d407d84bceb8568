package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.cudaMemcpyAsync;
import static org.bytedeco.cuda.global.cudart.cudaMemcpyDeviceToDevice;

import io.fathom.program.Instruction.ColumnSum;
import io.fathom.program.Instruction.Gather;
import io.fathom.program.Instruction.GatherGrad;
import io.fathom.program.Instruction.RandomScores;
import io.fathom.program.Instruction.RouterScores;
import io.fathom.program.Instruction.RouterScoresGrad;
import io.fathom.program.Instruction.ScatterGated;
import io.fathom.program.Instruction.ScatterGatedGrad;
import io.fathom.program.Instruction.TopK;
import io.fathom.program.Value;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Launches of routing.cu. */
final class RoutingLaunches {
    private final Work work;
    /** For each index the device address of its inverse: the place of each row in it, or -1. */
    private final Map<Value, Long> slots = new HashMap<>();

    RoutingLaunches(Work work) {
        this.work = work;
    }

    void scores(RouterScores x) {
        work.rows(
                "router_scores",
                x.x().rows(),
                work.at.of(x.x()),
                work.at.of(x.w()),
                work.at.of(x.scores()),
                x.x().rows());
    }

    /** The batch's Gaussian numbers come with it; they are copied, as the scores' place is used before too. */
    void randomScores(RandomScores x) {
        long bytes = 4L * x.scores().length();
        Cuda.check(
                cudaMemcpyAsync(
                        Cuda.at(work.at.of(x.scores())),
                        Cuda.at(work.at.noise(x)),
                        bytes,
                        cudaMemcpyDeviceToDevice,
                        work.stream),
                "cudaMemcpyAsync");
    }

    void topK(TopK x) {
        int rows = x.scores().rows();
        long inverse = slots.computeIfAbsent(x.index(), index -> work.slots(rows));
        work.kernels.launch(
                work.stream,
                "top_k",
                x.sequences(),
                1,
                256,
                0,
                work.at.of(x.scores()),
                work.at.of(x.index()),
                work.at.of(x.mask()),
                inverse,
                rows / x.sequences(),
                x.k(),
                x.positive() ? 1 : 0);
    }

    void gather(Gather x) {
        work.rows("gather", x.y().rows(), work.at.of(x.x()), work.at.of(x.index()), work.at.of(x.y()), x.y().rows());
    }

    void scatter(ScatterGated x) {
        int rows = x.y().rows();
        work.rows(
                "scatter_gated",
                rows,
                work.at.of(x.x()),
                slots(x.index()),
                work.at.of(x.scores()),
                work.at.of(x.delta()),
                work.at.of(x.y()),
                rows,
                x.positive() ? 1 : 0);
    }

    void scatterGrad(ScatterGatedGrad x) {
        int rows = x.dy().rows();
        work.rows(
                "scatter_gated_grad",
                rows,
                slots(x.index()),
                work.at.of(x.scores()),
                work.at.of(x.delta()),
                work.at.of(x.dy()),
                addressOrNull(x.addend()),
                work.at.of(x.dDelta()),
                work.at.of(x.dScores()),
                rows,
                x.positive() ? 1 : 0);
    }

    void gatherGrad(GatherGrad x) {
        int rows = x.dx().rows();
        work.rows(
                "gather_grad",
                rows,
                slots(x.index()),
                work.at.of(x.dy()),
                addressOrNull(x.addend()),
                work.at.of(x.dx()),
                rows);
    }

    void scoresGrad(RouterScoresGrad x, @Nullable ColumnSum sum) {
        int rows = x.dx().rows();
        int width = x.dx().columns();
        int blocks = WorkNeeds.rowBlocks(rows, work.kernels.device().processors());
        int parts = sum == null ? 1 : 2;
        long partial = work.sums.take((long) blocks * parts * width);
        work.kernels.launch(
                work.stream,
                "router_scores_grad",
                blocks,
                1,
                WorkNeeds.ROW_THREADS,
                width * 4,
                work.at.of(x.x()),
                work.at.of(x.w()),
                work.at.of(x.dScores()),
                addressOrNull(x.addend()),
                work.at.of(x.dx()),
                partial,
                rows,
                sum == null ? 0 : 1);
        finish(partial, x.dW(), blocks, parts * width);
        if (sum != null) {
            finish(partial + 4L * width, sum.dBias(), blocks, parts * width);
        }
    }

    private void finish(long partial, Value gradient, int blocks, int stride) {
        work.sums.add(partial, work.at.of(gradient), blocks, stride, gradient.length(), work.adds(gradient));
    }

    private long slots(Value index) {
        Long inverse = slots.get(index);
        if (inverse == null) {
            throw new IllegalArgumentException(index.name() + " was not made by a top-k of this program");
        }
        return inverse;
    }

    private long addressOrNull(@Nullable Value value) {
        return value == null ? 0L : work.at.of(value);
    }
}
