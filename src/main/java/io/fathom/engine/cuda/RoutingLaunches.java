package io.fathom.engine.cuda;

import io.fathom.program.Instruction.ColumnSum;
import io.fathom.program.Instruction.Gather;
import io.fathom.program.Instruction.GatherGrad;
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
    /** k of each index, so that a reader knows where each sequence's begin. */
    private final Map<Value, TopK> choices = new HashMap<>();

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

    void topK(TopK x) {
        choices.put(x.index(), x);
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
                x.scores().rows() / x.sequences(),
                x.k());
    }

    void gather(Gather x) {
        work.rows("gather", x.y().rows(), work.at.of(x.x()), work.at.of(x.index()), work.at.of(x.y()), x.y().rows());
    }

    void scatter(ScatterGated x) {
        int rows = x.y().rows();
        TopK choice = choice(x.index());
        work.rows(
                "scatter_gated",
                rows,
                work.at.of(x.x()),
                work.at.of(x.index()),
                work.at.of(x.scores()),
                work.at.of(x.delta()),
                work.at.of(x.y()),
                rows,
                rows / choice.sequences(),
                choice.k());
    }

    void scatterGrad(ScatterGatedGrad x) {
        int rows = x.dy().rows();
        TopK choice = choice(x.index());
        work.rows(
                "scatter_gated_grad",
                rows,
                work.at.of(x.index()),
                work.at.of(x.scores()),
                work.at.of(x.delta()),
                work.at.of(x.dy()),
                addressOrNull(x.addend()),
                work.at.of(x.dDelta()),
                work.at.of(x.dScores()),
                rows,
                rows / choice.sequences(),
                choice.k());
    }

    void gatherGrad(GatherGrad x) {
        int rows = x.dx().rows();
        TopK choice = choice(x.index());
        work.rows(
                "gather_grad",
                rows,
                work.at.of(x.index()),
                work.at.of(x.dy()),
                addressOrNull(x.addend()),
                work.at.of(x.dx()),
                rows,
                rows / choice.sequences(),
                choice.k());
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

    private TopK choice(Value index) {
        TopK choice = choices.get(index);
        if (choice == null) {
            throw new IllegalArgumentException(index.name() + " was not made by a top-k of this program");
        }
        return choice;
    }

    private long addressOrNull(@Nullable Value value) {
        return value == null ? 0L : work.at.of(value);
    }
}
