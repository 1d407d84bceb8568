package io.fathom.routing;

import java.io.Serializable;
import java.util.Set;
import java.util.TreeMap;

/** How often each token of the vocabulary occurred and how often each routed block computed it. */
public final class TokenFold implements Serializable {
    private static final long serialVersionUID = 1L;

    private final int layers;

    /** By token: occurrences, then selections layer by layer. */
    private final TreeMap<Integer, long[]> counts = new TreeMap<>();

    TokenFold(int layers) {
        this.layers = layers;
    }

    void add(RoutingTrace trace) {
        for (int t = 0; t < trace.length(); t++) {
            long[] row = counts.computeIfAbsent(trace.tokens()[t], token -> new long[1 + layers]);
            row[0]++;
            for (int l = 0; l < layers; l++) {
                row[1 + l] += trace.layers().get(l).selected()[t] ? 1 : 0;
            }
        }
    }

    void merge(TokenFold other) {
        other.counts.forEach((token, part) -> {
            long[] row = counts.computeIfAbsent(token, any -> new long[1 + layers]);
            for (int i = 0; i < row.length; i++) {
                row[i] += part[i];
            }
        });
    }

    /** The tokens that occurred, ascending. */
    public Set<Integer> tokens() {
        return counts.keySet();
    }

    /** Occurrences of {@code token}. */
    public long occurrences(int token) {
        return row(token)[0];
    }

    /** Occurrences of {@code token} that the {@code layer}-th routed block computed. */
    public long selected(int token, int layer) {
        return row(token)[1 + layer];
    }

    /** The sum over routed blocks of {@link #selected(int, int)}. */
    public long selected(int token) {
        long sum = 0;
        for (int l = 0; l < layers; l++) {
            sum += selected(token, l);
        }
        return sum;
    }

    private long[] row(int token) {
        return counts.getOrDefault(token, new long[1 + layers]);
    }
}
