package io.fathom.decode;

import io.fathom.engine.TokenReader;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Tensor;
import java.util.Arrays;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Reads tokens on the processor, one thread, in plain Java.
 *
 * <p>All new tokens of all sequences pass a block together, one row a token and no padding; a routed block gathers the
 * rows it lets in, computes their delta over the keys and values of the routed tokens before them and adds g(r) times
 * it; the other rows are not touched. Results do not depend, to the bit, on how tokens are grouped into calls.
 *
 * <p>Holds a copy of the weights.
 */
public final class ProcessorReader implements TokenReader {
    /** Rows whose losses are made at once, which bounds the memory of logits. */
    private static final int SCORED = 64;

    private final ModelSpec spec;
    /** The token table on its side, [D, V]: the head multiplies by it, and a token's embedding is a column. */
    private final Matrix head;

    private final float[] noBias;
    private final float[][] positionTable;
    private final Block[] blocks;
    private final Norm lastNorm;

    /** A reader with {@code parameters}, in the layout of {@code spec}. */
    public ProcessorReader(ModelSpec spec, float[] parameters) {
        ParameterLayout layout = ParameterLayout.of(spec);
        if (parameters.length != layout.size()) {
            throw new IllegalArgumentException(
                    "the model has " + layout.size() + " floats of parameters, given " + parameters.length);
        }
        Parameters from = new Parameters(layout, parameters, "");
        Tensor tokens = layout.tensor("wte.weight");
        this.spec = spec;
        this.head = Matrix.transposed(parameters, tokens.offset(), spec.vocabulary(), spec.width());
        this.noBias = new float[spec.vocabulary()];
        this.positionTable = from.matrix("wpe.weight").rows();
        this.blocks = IntStream.range(0, spec.blocks())
                .mapToObj(i -> Block.of(spec, from.of("h." + i + "."), i))
                .toArray(Block[]::new);
        this.lastNorm = from.norm("ln_f");
    }

    @Override
    public ModelSpec spec() {
        return spec;
    }

    @Override
    public String description() {
        return "the processor, one thread";
    }

    @Override
    public Memory begin() {
        return new ProcessorMemory(spec);
    }

    @Override
    public Reading read(Text text, Rule rule, Wanted wanted) {
        Rows rows = embed(text);
        boolean[][] entered = pass(rows, rule.predictor(), (index, signals) -> rule.thresholds()[index]);
        if (!wanted.losses()) {
            return new Reading(logits(rows, wanted.rows()), new double[0], entered);
        }
        double[] losses = new double[wanted.rows().length];
        for (int from = 0; from < losses.length; from += SCORED) {
            int to = Math.min(losses.length, from + SCORED);
            float[][] logits = logits(rows, Arrays.copyOfRange(wanted.rows(), from, to));
            for (int n = from; n < to; n++) {
                losses[n] = crossEntropy(logits[n - from], wanted.targets()[n]);
            }
        }
        return new Reading(new float[0][], losses, entered);
    }

    private float[][] logits(Rows rows, int[] chosen) {
        return head.times(lastNorm.apply(rows.only(chosen).x()), noBias);
    }

    @Override
    public double[] calibrate(Text text, boolean predictor, ToDoubleFunction<double[]> boundary) {
        double[] thresholds = new double[spec.routedBlocks().size()];
        pass(embed(text), predictor, (index, signals) -> {
            thresholds[index] = boundary.applyAsDouble(signals);
            return thresholds[index];
        });
        return thresholds;
    }

    /** Nothing to give back: it is memory of the program. */
    @Override
    public void close() {}

    /** Says from the signals of a routed block's tokens which number they must exceed. */
    private interface Threshold {
        double of(int index, double[] signals);
    }

    private Rows embed(Text text) {
        int count = text.rows();
        Rows rows = new Rows(new float[count][], new ProcessorMemory[count]);
        int n = 0;
        for (int s = 0; s < text.tokens().length; s++) {
            ProcessorMemory memory = (ProcessorMemory) text.memories().get(s);
            for (int token : text.tokens()[s]) {
                rows.owners()[n] = memory;
                rows.x()[n] = embedding(token, memory.append());
                n++;
            }
        }
        return rows;
    }

    private float[] embedding(int token, int position) {
        float[] x = positionTable[position].clone();
        for (int d = 0; d < x.length; d++) {
            x[d] += head.rows()[d][token];
        }
        return x;
    }

    /** Takes {@code rows} through all blocks, in place; by routed block, whether each row entered it. */
    private boolean[][] pass(Rows rows, boolean predictor, Threshold threshold) {
        boolean[][] entered = new boolean[spec.routedBlocks().size()][rows.count()];
        int index = 0;
        for (Block block : blocks) {
            Router router = block.router();
            if (router == null) {
                rows.parts().forEach(block::addDelta);
                continue;
            }
            double[] signals = new double[rows.count()];
            Arrays.setAll(signals, n -> router.signal(predictor, rows.x()[n]));
            double boundary = threshold.of(index, signals);
            int[] chosen = IntStream.range(0, signals.length)
                    .filter(n -> signals[n] > boundary)
                    .toArray();
            for (int n : chosen) {
                entered[index][n] = true;
            }
            rows.only(chosen).parts().forEach(block::addDelta);
            index++;
        }
        return entered;
    }

    private static double crossEntropy(float[] logits, int target) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        return largest + Math.log(sum) - logits[target];
    }
}
