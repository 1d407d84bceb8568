package io.fathom.engine.nd4j;

import io.fathom.model.Gate;
import io.fathom.model.Noise;
import io.fathom.program.Instruction.Gather;
import io.fathom.program.Instruction.GatherGrad;
import io.fathom.program.Instruction.RandomScores;
import io.fathom.program.Instruction.RouterScores;
import io.fathom.program.Instruction.RouterScoresGrad;
import io.fathom.program.Instruction.ScatterGated;
import io.fathom.program.Instruction.ScatterGatedGrad;
import io.fathom.program.Instruction.TopK;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Scores of routers, who is selected, and the way of the selected into a block and back. */
final class RoutingKernels extends KernelGroup {
    RoutingKernels(Cells cells) {
        super(cells);
        on(
                RouterScores.class,
                i -> cells.put(i.scores(), real(i.x()).mmul(real(i.w()).transpose())));
        on(RouterScoresGrad.class, this::routerScoresGrad);
        on(RandomScores.class, this::randomScores);
        on(TopK.class, this::topK);
        on(Gather.class, i -> cells.put(i.y(), rows(real(i.x()), cells.ints(i.index()))));
        on(GatherGrad.class, this::gatherGrad);
        on(ScatterGated.class, this::scatterGated);
        on(ScatterGatedGrad.class, this::scatterGatedGrad);
    }

    private void routerScoresGrad(RouterScoresGrad i) {
        INDArray dScores = real(i.dScores());
        cells.put(i.dx(), plus(dScores.mmul(real(i.w())).dup('c'), i.addend()));
        cells.put(i.dW(), dScores.transpose().mmul(real(i.x())));
    }

    private void randomScores(RandomScores i) {
        double[] scores = new double[i.scores().rows()];
        for (int row = 0; row < scores.length; row++) {
            scores[row] = (float) Noise.gaussian(cells.seed(), i.block(), row);
        }
        cells.put(i.scores(), Nd4j.createFromArray(scores).castTo(cells.type));
    }

    private void topK(TopK i) {
        double[] scores = cells.doubles(i.scores());
        int length = scores.length / i.sequences();
        int[] index = new int[i.sequences() * i.k()];
        INDArray mask = zeros(scores.length, 1);
        for (int b = 0; b < i.sequences(); b++) {
            int first = b * length;
            int[] chosen = IntStream.range(first, first + length)
                    .boxed()
                    .sorted(Comparator.comparingDouble((Integer t) -> -scores[t])
                            .thenComparing(t -> t))
                    .limit(i.k())
                    .sorted(Comparator.comparing((Integer t) -> i.positive() && scores[t] <= 0)
                            .thenComparing(t -> t))
                    .mapToInt(Integer::intValue)
                    .toArray();
            System.arraycopy(chosen, 0, index, b * i.k(), i.k());
            for (int row : chosen) {
                mask.putScalar(row, 0, i.positive() && scores[row] <= 0 ? 0 : 1);
            }
        }
        cells.put(i.index(), index);
        cells.put(i.mask(), mask);
    }

    private static INDArray gate(Gate gate, INDArray r) {
        return switch (gate) {
            case SIGMOID -> sigmoid(r);
            case RAW -> r;
            case TANH -> Transforms.tanh(r, true);
        };
    }

    private static INDArray gateSlope(Gate gate, INDArray r) {
        INDArray g = gate(gate, r);
        return switch (gate) {
            case SIGMOID -> g.rsub(1).mul(g);
            case RAW -> Nd4j.onesLike(r);
            case TANH -> g.mul(g).rsub(1);
        };
    }

    /** {@code factor} where r > 0 or all count, else 0. */
    private INDArray cut(boolean positive, INDArray r, INDArray factor) {
        return positive ? factor.mul(r.gt(0).castTo(cells.type)) : factor;
    }

    private void scatterGated(ScatterGated i) {
        int[] index = cells.ints(i.index());
        INDArray r = rows(real(i.scores()), index);
        INDArray g = cut(i.positive(), r, gate(i.gate(), r));
        INDArray y = real(i.x()).dup('c');
        scatterAdd(y, index, real(i.delta()).mul(g));
        cells.put(i.y(), y);
    }

    private void scatterGatedGrad(ScatterGatedGrad i) {
        int[] index = cells.ints(i.index());
        INDArray r = rows(real(i.scores()), index);
        INDArray dy = rows(real(i.dy()), index);
        cells.put(i.dDelta(), dy.mul(cut(i.positive(), r, gate(i.gate(), r))));
        INDArray dScores = plus(zeros(i.dScores().rows(), 1), i.addend());
        scatterAdd(
                dScores, index, dy.mul(real(i.delta())).sum(true, 1).mul(cut(i.positive(), r, gateSlope(i.gate(), r))));
        cells.put(i.dScores(), dScores);
    }

    private void gatherGrad(GatherGrad i) {
        INDArray dx = plus(zeros(i.dx().rows(), i.dx().columns()), i.addend());
        scatterAdd(dx, cells.ints(i.index()), real(i.dy()));
        cells.put(i.dx(), dx);
    }
}
