package io.fathom.decode;

import io.fathom.config.UserError;
import io.fathom.engine.TokenReader;
import io.fathom.engine.TokenReader.Reading;
import io.fathom.engine.TokenReader.Text;
import io.fathom.engine.TokenReader.Wanted;
import io.fathom.model.ModelSpec;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * A model that reads tokens and tells the logits of the next, routing causally and computing only what is routed, on
 * whatever its {@link TokenReader} computes on.
 *
 * <p>Positions are absolute, so a sequence ends at the model's context.
 *
 * <p>Immutable and thread-safe; each {@link Sequence} belongs to one thread at a time.
 */
public final class Decoder {
    private final TokenReader reader;
    private final CausalRule rule;
    private final TokenReader.Rule thresholds;

    /** Reads on the processor. Throws {@link UserError} when the model has not what {@code rule} needs. */
    public Decoder(ModelSpec spec, float[] parameters, CausalRule rule) {
        this(new ProcessorReader(spec, parameters), rule);
    }

    /**
     * Reads by {@code reader}, which outlives it. Throws {@link UserError} when its model has not what the rule needs.
     */
    public Decoder(TokenReader reader, CausalRule rule) {
        rule.requireFor(reader.spec());
        this.reader = reader;
        this.rule = rule;
        this.thresholds = new TokenReader.Rule(
                rule.signal() == CausalRule.Signal.PREDICTOR
                        && !reader.spec().routedBlocks().isEmpty(),
                reader.spec().routedBlocks().stream()
                        .mapToDouble(rule::threshold)
                        .toArray());
    }

    /** The model. */
    public ModelSpec spec() {
        return reader.spec();
    }

    /** How it routes. */
    public CausalRule rule() {
        return rule;
    }

    /** A sequence with no token yet. */
    public Sequence begin() {
        return new Sequence(spec(), reader.begin());
    }

    /** Reads {@code tokens}, one at least, and returns the logits [V] after the last. */
    public float[] advance(Sequence sequence, int... tokens) {
        return advance(List.of(sequence), new int[][] {tokens})[0];
    }

    /**
     * Reads {@code tokens[i]}, one at least and as many as wanted, into sequence i; row i: the logits after its last.
     */
    public float[][] advance(List<Sequence> sequences, int[][] tokens) {
        int[] lasts = new int[tokens.length];
        int end = 0;
        for (int s = 0; s < tokens.length; s++) {
            end += tokens[s].length;
            lasts[s] = end - 1;
        }
        return read(sequences, tokens, Wanted.logits(lasts)).logits();
    }

    /** Reads {@code tokens}, one at least, and returns the logits after each of them, [tokens, V]. */
    public float[][] score(Sequence sequence, int... tokens) {
        int[] rows = IntStream.range(0, tokens.length).toArray();
        return read(List.of(sequence), new int[][] {tokens}, Wanted.logits(rows))
                .logits();
    }

    /** Reads {@code tokens}, one at least, and returns the cross-entropy of each one's target in nats. */
    public double[] losses(Sequence sequence, int[] tokens, int[] targets) {
        int[] rows = IntStream.range(0, tokens.length).toArray();
        for (int target : targets) {
            requireToken(target);
        }
        return read(List.of(sequence), new int[][] {tokens}, new Wanted(rows, targets))
                .losses();
    }

    /**
     * The thresholds that let a share {@code capacity} of {@code windows} into each routed block when decoding
     * causally: block after block the quantile of its signal over all tokens, given the routes of the blocks before.
     *
     * @param windows token sequences of at most the context's length, enough of them to stand for the text
     */
    public Map<Integer, Double> calibrate(List<int[]> windows, double capacity) {
        List<Sequence> sequences = windows.stream().map(window -> begin()).toList();
        try {
            Text text = text(sequences, windows.toArray(new int[0][]));
            double[] found = reader.calibrate(text, thresholds.predictor(), signals -> boundary(signals, capacity));
            Map<Integer, Double> byBlock = new TreeMap<>();
            for (int i = 0; i < found.length; i++) {
                byBlock.put(spec().routedBlocks().get(i), found[i]);
            }
            return byBlock;
        } finally {
            sequences.forEach(Sequence::close);
        }
    }

    /** The number that a share {@code share} of {@code values} exceeds: half way between the two values around it. */
    private static double boundary(double[] values, double share) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int first = sorted.length - (int) Math.max(1, Math.rint(share * sorted.length));
        return first == 0 ? Math.nextDown(sorted[0]) : (sorted[first - 1] + sorted[first]) / 2;
    }

    private Reading read(List<Sequence> sequences, int[][] tokens, Wanted wanted) {
        Reading reading = reader.read(text(sequences, tokens), thresholds, wanted);
        int row = 0;
        int head = 0;
        for (int s = 0; s < tokens.length; s++) {
            for (int t = 0; t < tokens[s].length; t++, row++) {
                boolean headed = head < wanted.rows().length && wanted.rows()[head] == row;
                sequences.get(s).read(reading.entered(), row, thresholds.predictor(), headed);
                head += headed ? 1 : 0;
            }
        }
        return reading;
    }

    private Text text(List<Sequence> sequences, int[][] tokens) {
        Text text = new Text(sequences.stream().map(Sequence::memory).toList(), tokens);
        for (int s = 0; s < tokens.length; s++) {
            int length = sequences.get(s).length();
            if (tokens[s].length == 0 || length + tokens[s].length > spec().context()) {
                throw new IllegalArgumentException("sequence " + s + " has " + length + " tokens, given "
                        + tokens[s].length + ": must be at least 1, and at most "
                        + spec().context() + " in all");
            }
            for (int token : tokens[s]) {
                requireToken(token);
            }
        }
        return text;
    }

    private void requireToken(int token) {
        if (token < 0 || token >= spec().vocabulary()) {
            throw new IllegalArgumentException(
                    "token " + token + ": the model knows 0 to " + (spec().vocabulary() - 1));
        }
    }
}
