package io.fathom.decode;

import io.fathom.config.UserError;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * A model that reads tokens and tells the logits of the next, routing causally and computing only what is routed.
 *
 * <p>All new tokens of all sequences pass a block together, one row a token and no padding; a routed block gathers the
 * rows its {@link CausalRule} lets in, computes their delta over the keys and values of the routed tokens before them
 * and adds g(r) times it; the other rows are not touched. Positions are absolute, so a sequence ends at the model's
 * context.
 *
 * <p>Holds a copy of the weights. Immutable and thread-safe; each {@link Sequence} belongs to one thread at a time.
 */
public final class Decoder {
    private final ModelSpec spec;
    private final CausalRule rule;
    /** The token table on its side, [D, V]: the head multiplies by it, and a token's embedding is a column. */
    private final Matrix head;

    private final float[] noBias;
    private final float[][] positionTable;
    private final Block[] blocks;
    private final Norm lastNorm;

    /** Throws {@link UserError} when the model has not what {@code rule} needs. */
    public Decoder(ModelSpec spec, float[] parameters, CausalRule rule) {
        rule.requireFor(spec);
        ParameterLayout layout = ParameterLayout.of(spec);
        if (parameters.length != layout.size()) {
            throw new IllegalArgumentException(
                    "the model has " + layout.size() + " floats of parameters, given " + parameters.length);
        }
        Parameters from = new Parameters(layout, parameters, "");
        Tensor tokens = layout.tensor("wte.weight");
        this.spec = spec;
        this.rule = rule;
        this.head = Matrix.transposed(parameters, tokens.offset(), spec.vocabulary(), spec.width());
        this.noBias = new float[spec.vocabulary()];
        this.positionTable = from.matrix("wpe.weight").rows();
        this.blocks = IntStream.range(0, spec.blocks())
                .mapToObj(i -> Block.of(spec, from.of("h." + i + "."), i))
                .toArray(Block[]::new);
        this.lastNorm = from.norm("ln_f");
    }

    /** The model. */
    public ModelSpec spec() {
        return spec;
    }

    /** How it routes. */
    public CausalRule rule() {
        return rule;
    }

    /** A sequence with no token yet. */
    public Sequence begin() {
        return new Sequence(spec);
    }

    /** Reads {@code tokens}, one at least, and returns the logits [V] after the last. */
    public float[] advance(Sequence sequence, int... tokens) {
        return advance(List.of(sequence), new int[][] {tokens})[0];
    }

    /**
     * Reads {@code tokens[i]}, one at least and as many as wanted, into sequence i; row i: the logits after its last.
     */
    public float[][] advance(List<Sequence> sequences, int[][] tokens) {
        Rows rows = read(sequences, tokens);
        int[] lasts = new int[tokens.length];
        int end = 0;
        for (int s = 0; s < tokens.length; s++) {
            end += tokens[s].length;
            lasts[s] = end - 1;
        }
        return logits(rows.only(lasts));
    }

    /** Reads {@code tokens}, one at least, and returns the logits after each of them, [tokens, V]. */
    public float[][] score(Sequence sequence, int... tokens) {
        return logits(read(List.of(sequence), new int[][] {tokens}));
    }

    /**
     * The thresholds that let a share {@code capacity} of {@code windows} into each routed block when decoding
     * causally: block after block the quantile of its signal over all tokens, given the routes of the blocks before.
     *
     * @param windows token sequences of at most the context's length, enough of them to stand for the text
     */
    public Map<Integer, Double> calibrate(List<int[]> windows, double capacity) {
        Map<Integer, Double> thresholds = new TreeMap<>();
        List<Sequence> sequences = windows.stream().map(window -> begin()).toList();
        pass(embed(sequences, windows.toArray(new int[0][])), (block, signals) -> {
            double threshold = boundary(signals, capacity);
            thresholds.put(block, threshold);
            return threshold;
        });
        return thresholds;
    }

    /** The number that a share {@code share} of {@code values} exceeds: half way between the two values around it. */
    private static double boundary(double[] values, double share) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int first = sorted.length - (int) Math.max(1, Math.rint(share * sorted.length));
        return first == 0 ? Math.nextDown(sorted[0]) : (sorted[first - 1] + sorted[first]) / 2;
    }

    /** Says from the signals of a block's tokens which number they must exceed. */
    private interface Threshold {
        double of(int block, double[] signals);
    }

    private Rows read(List<Sequence> sequences, int[][] tokens) {
        Rows rows = embed(sequences, tokens);
        pass(rows, (block, signals) -> rule.threshold(block));
        return rows;
    }

    private Rows embed(List<Sequence> sequences, int[][] tokens) {
        if (sequences.isEmpty() || sequences.size() != tokens.length) {
            throw new IllegalArgumentException(
                    sequences.size() + " sequences, tokens for " + tokens.length + ": need as many, and at least one");
        }
        int count = Arrays.stream(tokens).mapToInt(t -> t.length).sum();
        Rows rows = new Rows(new float[count][], new Sequence[count], new int[count]);
        int n = 0;
        for (int s = 0; s < tokens.length; s++) {
            Sequence sequence = sequences.get(s);
            if (tokens[s].length == 0 || sequence.length() + tokens[s].length > spec.context()) {
                throw new IllegalArgumentException("sequence " + s + " has " + sequence.length() + " tokens, given "
                        + tokens[s].length + ": must be at least 1, and at most " + spec.context() + " in all");
            }
            for (int token : tokens[s]) {
                rows.owners()[n] = sequence;
                rows.positions()[n] = sequence.append();
                rows.x()[n] = embedding(token, rows.positions()[n]);
                n++;
            }
        }
        return rows;
    }

    private float[] embedding(int token, int position) {
        if (token < 0 || token >= spec.vocabulary()) {
            throw new IllegalArgumentException("token " + token + ": the model knows 0 to " + (spec.vocabulary() - 1));
        }
        float[] x = positionTable[position].clone();
        for (int d = 0; d < x.length; d++) {
            x[d] += head.rows()[d][token];
        }
        return x;
    }

    /** Takes {@code rows} through all blocks, in place. */
    private void pass(Rows rows, Threshold threshold) {
        for (Block block : blocks) {
            Router router = block.router();
            if (router == null) {
                rows.parts().forEach(part -> block.addDelta(part));
                continue;
            }
            double[] signals = new double[rows.count()];
            for (int n = 0; n < signals.length; n++) {
                signals[n] = router.signal(rule.signal(), rows.x()[n]);
                rows.owners()[n].looked(router.flops(rule.signal()));
            }
            double boundary = threshold.of(block.index(), signals);
            int[] chosen = IntStream.range(0, signals.length)
                    .filter(n -> signals[n] > boundary)
                    .toArray();
            rows.only(chosen).parts().forEach(part -> block.addDelta(part));
        }
    }

    private float[][] logits(Rows rows) {
        for (Sequence owner : rows.owners()) {
            owner.headed();
        }
        return head.times(lastNorm.apply(rows.x()), noBias);
    }
}
