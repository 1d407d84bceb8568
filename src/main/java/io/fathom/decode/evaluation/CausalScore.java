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
    /** Tokens scored at once, which bounds the memory of logits. */
    private static final int CHUNK = 64;

    /** Scores tokens 1 .. S of {@code window}, each from those before it. */
    static CausalScore of(Decoder decoder, int[] window) {
        Sequence sequence = decoder.begin();
        int tokens = window.length - 1;
        double loss = 0;
        for (int from = 0; from < tokens; from += CHUNK) {
            int to = Math.min(tokens, from + CHUNK);
            float[][] logits = decoder.score(sequence, Arrays.copyOfRange(window, from, to));
            for (int t = from; t < to; t++) {
                loss += crossEntropy(logits[t - from], window[t + 1]);
            }
        }
        List<Integer> routed = decoder.spec().routedBlocks();
        int[] entered = routed.stream().mapToInt(i -> sequence.routed(i).length).toArray();
        return new CausalScore(loss, tokens, entered);
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
