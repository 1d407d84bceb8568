package io.fathom.decode.evaluation;

import io.fathom.decode.Decoder;
import io.fathom.decode.Sequence;
import java.util.Arrays;
import java.util.List;

/**
 * How a decoder scored one window of text.
 *
 * @param loss sum of the cross-entropies in nats
 * @param tokens scored
 * @param entered tokens that entered each routed block, ascending
 */
record CausalScore(double loss, int tokens, int[] entered) {
    /** Scores tokens 1 .. S of {@code window}, each from those before it. */
    static CausalScore of(Decoder decoder, int[] window) {
        try (Sequence sequence = decoder.begin()) {
            int tokens = window.length - 1;
            int[] targets = Arrays.copyOfRange(window, 1, window.length);
            double[] losses = decoder.losses(sequence, Arrays.copyOf(window, tokens), targets);
            List<Integer> routed = decoder.spec().routedBlocks();
            int[] entered =
                    routed.stream().mapToInt(i -> sequence.routed(i).length).toArray();
            return new CausalScore(Arrays.stream(losses).sum(), tokens, entered);
        }
    }
}
