package io.fathom.engine.cuda;

import io.fathom.program.Instruction;
import io.fathom.program.Instruction.Add;
import io.fathom.program.Instruction.Attention;
import io.fathom.program.Instruction.AttentionGrad;
import io.fathom.program.Instruction.BalanceLoss;
import io.fathom.program.Instruction.BalanceLossGrad;
import io.fathom.program.Instruction.BinaryCrossEntropy;
import io.fathom.program.Instruction.BinaryCrossEntropyGrad;
import io.fathom.program.Instruction.ColumnSum;
import io.fathom.program.Instruction.CrossEntropy;
import io.fathom.program.Instruction.CrossEntropyGrad;
import io.fathom.program.Instruction.Embedding;
import io.fathom.program.Instruction.EmbeddingGrad;
import io.fathom.program.Instruction.Gather;
import io.fathom.program.Instruction.GatherGrad;
import io.fathom.program.Instruction.Gelu;
import io.fathom.program.Instruction.GeluGrad;
import io.fathom.program.Instruction.HeadLoss;
import io.fathom.program.Instruction.LayerNorm;
import io.fathom.program.Instruction.LayerNormGrad;
import io.fathom.program.Instruction.MatMul;
import io.fathom.program.Instruction.MeanSquare;
import io.fathom.program.Instruction.MeanSquareGrad;
import io.fathom.program.Instruction.RandomScores;
import io.fathom.program.Instruction.RouterScores;
import io.fathom.program.Instruction.RouterScoresGrad;
import io.fathom.program.Instruction.ScatterGated;
import io.fathom.program.Instruction.ScatterGatedGrad;
import io.fathom.program.Instruction.Silu;
import io.fathom.program.Instruction.SiluGrad;
import io.fathom.program.Instruction.TopK;
import io.fathom.program.Instruction.WeightedSum;
import java.util.List;

/** Enqueues steps: which launches each instruction becomes. */
final class Launcher {
    private final Work work;
    private final RowLaunches rows;
    private final RoutingLaunches routing;
    private final ProductLaunches products;
    private final AttentionLaunches attention;
    private final LossLaunches losses;

    Launcher(Work work) {
        this.work = work;
        this.rows = new RowLaunches(work);
        this.routing = new RoutingLaunches(work);
        this.products = new ProductLaunches(work);
        this.attention = new AttentionLaunches(work);
        this.losses = new LossLaunches(work);
    }

    /** Enqueues all of {@code steps} and, where {@code finish} is set, the end of the sums they begin. */
    void enqueue(List<Step> steps, boolean finish) {
        work.restart();
        steps.forEach(this::enqueue);
        if (finish) {
            finishSums();
        }
    }

    /** Enqueues the end of the sums that the last enqueued steps began. */
    void finishSums() {
        work.sums.finish(work.kernels, work.stream);
    }

    /** Sends the table of sums that the last enqueued steps began; before their graph is launched. */
    void uploadSums() {
        work.sums.upload(work.stream);
    }

    /** Enqueues one step. */
    void enqueue(Step step) {
        Instruction i = step.instruction();
        if (i instanceof Embedding x) {
            rows.embedding(x);
        } else if (i instanceof LayerNorm x) {
            rows.layerNorm(x);
        } else if (i instanceof MatMul x) {
            products.matMul(x, step);
        } else if (i instanceof Attention x) {
            attention.forward(x);
        } else if (i instanceof Gelu x) {
            rows.unary("gelu_forward", x.x(), x.y());
        } else if (i instanceof Silu x) {
            rows.unary("silu_forward", x.x(), x.y());
        } else if (i instanceof Add x) {
            rows.binary("add", x.a(), x.b(), x.c());
        } else if (i instanceof RouterScores x) {
            routing.scores(x);
        } else if (i instanceof RandomScores x) {
            routing.randomScores(x);
        } else if (i instanceof TopK x) {
            routing.topK(x);
        } else if (i instanceof Gather x) {
            routing.gather(x);
        } else if (i instanceof ScatterGated x) {
            routing.scatter(x);
        } else if (i instanceof CrossEntropy x) {
            losses.crossEntropy(x);
        } else if (i instanceof BinaryCrossEntropy x) {
            losses.binaryCrossEntropy(x);
        } else if (i instanceof BalanceLoss x) {
            losses.balance(x);
        } else if (i instanceof MeanSquare x) {
            losses.meanSquare(x);
        } else if (i instanceof WeightedSum x) {
            losses.weightedSum(x);
        } else {
            enqueueGradient(step);
        }
    }

    private void enqueueGradient(Step step) {
        Instruction i = step.instruction();
        if (i instanceof EmbeddingGrad x) {
            rows.embeddingGrad(x);
        } else if (i instanceof LayerNormGrad x) {
            rows.layerNormGrad(x, step.sum());
        } else if (i instanceof ColumnSum x) {
            rows.columnSum(x);
        } else if (i instanceof AttentionGrad x) {
            attention.gradient(x);
        } else if (i instanceof GeluGrad x) {
            rows.binary("gelu_grad", x.x(), x.dy(), x.dx());
        } else if (i instanceof SiluGrad x) {
            rows.binary("silu_grad", x.x(), x.dy(), x.dx());
        } else if (i instanceof RouterScoresGrad x) {
            routing.scoresGrad(x, step.sum());
        } else if (i instanceof GatherGrad x) {
            routing.gatherGrad(x);
        } else if (i instanceof ScatterGatedGrad x) {
            routing.scatterGrad(x);
        } else if (i instanceof CrossEntropyGrad x) {
            losses.crossEntropyGrad(x);
        } else if (i instanceof BinaryCrossEntropyGrad x) {
            losses.binaryCrossEntropyGrad(x);
        } else if (i instanceof BalanceLossGrad x) {
            losses.balanceGrad(x);
        } else if (i instanceof MeanSquareGrad x) {
            losses.meanSquareGrad(x);
        } else if (i instanceof HeadLoss x) {
            products.headLoss(x, losses);
        } else {
            throw new IllegalArgumentException(
                    "engine cuda has no kernel for " + i.getClass().getSimpleName());
        }
    }
}
