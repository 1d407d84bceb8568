package io.fathom.routing;

import java.io.Serializable;

/**
 * A causal rule beside the top-k selection that it stands for: which tokens of a sequence would be taken when each
 * decides alone, by a logit above zero.
 *
 * <p>Measured on the trace of a top-k pass, so a block's inputs are those that top-k in the blocks below left; a causal
 * pass drifts from it as its own choices add up.
 */
public final class CausalFold implements Serializable {
    private static final long serialVersionUID = 1L;

    private long sequences;
    private long tokens;
    private long taken;
    private long takenSquared;
    private long fewest = Long.MAX_VALUE;
    private long most = Long.MIN_VALUE;
    private long agreed;
    private long hits;
    private long wanted;

    void add(double[] logits, boolean[] selected) {
        long count = 0;
        for (int t = 0; t < logits.length; t++) {
            boolean takes = logits[t] > 0;
            count += takes ? 1 : 0;
            agreed += takes == selected[t] ? 1 : 0;
            hits += takes && selected[t] ? 1 : 0;
            wanted += selected[t] ? 1 : 0;
        }
        sequences++;
        tokens += logits.length;
        taken += count;
        takenSquared += count * count;
        fewest = Math.min(fewest, count);
        most = Math.max(most, count);
    }

    void merge(CausalFold other) {
        sequences += other.sequences;
        tokens += other.tokens;
        taken += other.taken;
        takenSquared += other.takenSquared;
        fewest = Math.min(fewest, other.fewest);
        most = Math.max(most, other.most);
        agreed += other.agreed;
        hits += other.hits;
        wanted += other.wanted;
    }

    /** Share of the tokens the rule takes. */
    public double rate() {
        return (double) taken / tokens;
    }

    /** Mean tokens of a sequence it takes. */
    public double meanTaken() {
        return (double) taken / sequences;
    }

    /** Mean of the square of the tokens of a sequence it takes. */
    public double meanSquaredTaken() {
        return (double) takenSquared / sequences;
    }

    /** Fewest tokens of a sequence it takes. */
    public long fewest() {
        return fewest;
    }

    /** Most tokens of a sequence it takes. */
    public long most() {
        return most;
    }

    /** Share of the tokens on which rule and top-k agree. */
    public double accuracy() {
        return (double) agreed / tokens;
    }

    /** The accuracy of never taking a token: what a rule must beat to have learned anything. */
    public double bypassBaseline() {
        return 1 - (double) wanted / tokens;
    }

    /** Of the tokens it takes, the share that top-k selected; NaN when it takes none. */
    public double precision() {
        return (double) hits / taken;
    }

    /** Of the tokens that top-k selected, the share it takes. */
    public double recall() {
        return (double) hits / wanted;
    }

    /** Harmonic mean of precision and recall; 0 when it takes nothing rightly. */
    public double f1() {
        return 2.0 * hits / (taken + wanted);
    }
}
