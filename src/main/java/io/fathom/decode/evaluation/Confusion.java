package io.fathom.decode.evaluation;

import java.io.Serializable;

/** Counts of a causal rule's decisions beside those of top-k; a positive is a token that enters the block. */
public final class Confusion implements Serializable {
    private static final long serialVersionUID = 1L;

    private long hits;
    private long falseAlarms;
    private long misses;
    private long bypasses;

    void add(boolean enters, boolean selected) {
        if (enters) {
            hits += selected ? 1 : 0;
            falseAlarms += selected ? 0 : 1;
        } else {
            misses += selected ? 1 : 0;
            bypasses += selected ? 0 : 1;
        }
    }

    void merge(Confusion other) {
        hits += other.hits;
        falseAlarms += other.falseAlarms;
        misses += other.misses;
        bypasses += other.bypasses;
    }

    /** Tokens seen. */
    public long tokens() {
        return hits + falseAlarms + misses + bypasses;
    }

    /** Share of the tokens that enter by the rule. */
    public double rate() {
        return (double) (hits + falseAlarms) / tokens();
    }

    /** Share of the tokens on which rule and top-k agree. */
    public double accuracy() {
        return (double) (hits + bypasses) / tokens();
    }

    /** The accuracy of letting no token in. */
    public double bypassBaseline() {
        return (double) (falseAlarms + bypasses) / tokens();
    }

    /** Of the tokens that enter, the share that top-k selected; NaN where none enters. */
    public double precision() {
        return (double) hits / (hits + falseAlarms);
    }

    /** Of the tokens that top-k selected, the share that enters; NaN where it selected none. */
    public double recall() {
        return (double) hits / (hits + misses);
    }

    /** Harmonic mean of precision and recall; NaN where nothing enters and nothing was selected. */
    public double f1() {
        return 2.0 * hits / (2 * hits + falseAlarms + misses);
    }
}
