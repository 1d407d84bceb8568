package io.fathom.decode.evaluation;

import io.fathom.model.Flops;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import java.io.Serializable;
import java.util.List;

/** What one mode did over some sequences: the loss and how many tokens entered each routed block. */
public final class ModeFold implements Serializable {
    private static final long serialVersionUID = 1L;

    private final long[] entered;
    private final double[] enteredSquared;
    private long sequences;
    private long tokens;
    private double loss;

    ModeFold(int routedBlocks) {
        entered = new long[routedBlocks];
        enteredSquared = new double[routedBlocks];
    }

    /** Takes in one sequence: the sum of its {@code tokens} losses, and the tokens that entered each routed block. */
    void add(double lossSum, int tokens, int[] enteredBlocks) {
        sequences++;
        this.tokens += tokens;
        loss += lossSum;
        for (int i = 0; i < entered.length; i++) {
            entered[i] += enteredBlocks[i];
            enteredSquared[i] += (double) enteredBlocks[i] * enteredBlocks[i];
        }
    }

    void merge(ModeFold next) {
        sequences += next.sequences;
        tokens += next.tokens;
        loss += next.loss;
        for (int i = 0; i < entered.length; i++) {
            entered[i] += next.entered[i];
            enteredSquared[i] += next.enteredSquared[i];
        }
    }

    /** Sequences scored. */
    public long sequences() {
        return sequences;
    }

    /** Tokens scored. */
    public long tokens() {
        return tokens;
    }

    /** Mean cross-entropy in nats a token. */
    public double loss() {
        return loss / tokens;
    }

    /** Share of the tokens that entered routed block number {@code index}, counted among the routed. */
    public double capacity(int index) {
        return (double) entered[index] / tokens;
    }

    /** The mean of {@link #capacity(int)} over the routed blocks; 1 where none routes. */
    public double capacity() {
        double sum = 0;
        for (int i = 0; i < entered.length; i++) {
            sum += capacity(i);
        }
        return entered.length == 0 ? 1 : sum / entered.length;
    }

    /**
     * Forward FLOPs of a token as {@link Flops} counts them, with the tokens that did enter; {@code predictor} where
     * the mode computes the predictors.
     */
    public double flopsPerToken(ModelSpec spec, boolean predictor) {
        Flops flops = new Flops(spec);
        List<Integer> routed = spec.routedBlocks();
        double sum = (double) flops.head();
        sum += (spec.blocks() - routed.size()) * Flops.block(spec.context(), spec.width());
        for (int i = 0; i < routed.size(); i++) {
            sum += Flops.block((double) entered[i] / sequences, enteredSquared[i] / sequences, spec.width());
            sum += (double) flops.router();
        }
        boolean has = spec.routing() instanceof Routing.ExpertChoice choice && choice.predictor();
        sum += predictor && has ? (double) routed.size() * flops.predictor() : 0;
        return sum / spec.context();
    }
}
