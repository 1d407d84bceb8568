package io.fathom.routing;

import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** Everything measured of the routing of a model over some sequences, all of one length. */
public final class RoutingFold implements Serializable {
    private static final long serialVersionUID = 1L;

    private final int length;
    private final int excerptSequences;
    private final boolean learnt;
    private final List<LayerFold> layers = new ArrayList<>();
    private final DepthFold depth;
    private final TokenFold tokens;
    private final AgreementFold agreement;
    private final List<Passage> excerpt = new ArrayList<>();
    private long sequences;

    /** One sequence as it is, for reading: tokens, the depth of each, and the loss of what follows each. */
    public record Passage(int[] tokens, int[] depths, double[] losses) implements Serializable {}

    /**
     * A fold over no sequence yet.
     *
     * @param spec the model; its context is the length of the sequences
     * @param sigmoidBins bins of the histogram of sigmoid(r)
     * @param excerptSequences how many of the first sequences to keep for reading
     */
    public RoutingFold(ModelSpec spec, int sigmoidBins, int excerptSequences) {
        boolean predictor = spec.routing() instanceof Routing.ExpertChoice choice && choice.predictor();
        this.length = spec.context();
        this.excerptSequences = excerptSequences;
        this.learnt = !(spec.routing() instanceof Routing.Stochastic);
        for (int block : spec.routedBlocks()) {
            layers.add(new LayerFold(block, length, sigmoidBins, predictor));
        }
        depth = new DepthFold(layers.size());
        tokens = new TokenFold(layers.size());
        agreement = new AgreementFold(layers.size());
    }

    /** Takes in one sequence. */
    public void add(RoutingTrace trace) {
        if (trace.length() != length || trace.layers().size() != layers.size()) {
            throw new IllegalArgumentException("a trace of " + trace.length() + " tokens and "
                    + trace.layers().size() + " routed blocks in a fold of " + length + " and " + layers.size());
        }
        sequences++;
        for (int l = 0; l < layers.size(); l++) {
            layers.get(l).add(trace.layers().get(l));
        }
        depth.add(trace);
        tokens.add(trace);
        agreement.add(trace);
        if (excerpt.size() < excerptSequences) {
            int[] depths = new int[length];
            for (int t = 0; t < length; t++) {
                depths[t] = trace.depth(t);
            }
            excerpt.add(new Passage(trace.tokens(), depths, trace.losses()));
        }
    }

    /** Takes in all that {@code next} has seen, as sequences that come after this fold's own. */
    public void merge(RoutingFold next) {
        sequences += next.sequences;
        for (int l = 0; l < layers.size(); l++) {
            layers.get(l).merge(next.layers.get(l));
        }
        depth.merge(next.depth);
        tokens.merge(next.tokens);
        agreement.merge(next.agreement);
        for (Passage passage : next.excerpt) {
            if (excerpt.size() < excerptSequences) {
                excerpt.add(passage);
            }
        }
    }

    /** S. */
    public int length() {
        return length;
    }

    /** Whether the router weights are learnt; those of chance say nothing of a token. */
    public boolean learnt() {
        return learnt;
    }

    /** Sequences seen. */
    public long sequences() {
        return sequences;
    }

    /** The routed blocks, ascending. */
    public List<LayerFold> layers() {
        return List.copyOf(layers);
    }

    /** Depth of tokens. */
    public DepthFold depth() {
        return depth;
    }

    /** Counts by token of the vocabulary. */
    public TokenFold tokens() {
        return tokens;
    }

    /** Agreement between blocks. */
    public AgreementFold agreement() {
        return agreement;
    }

    /** The first sequences, for reading. */
    public List<Passage> excerpt() {
        return List.copyOf(excerpt);
    }

    /** Share of all (token, routed block) pairs that were computed: C/S. */
    public double rate() {
        return layers.stream().mapToDouble(LayerFold::rate).average().orElse(1);
    }
}
