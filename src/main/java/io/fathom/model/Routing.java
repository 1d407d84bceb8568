package io.fathom.model;

import java.io.Serializable;

/** How the tokens of a sequence are chosen for a block's compute. */
public sealed interface Routing extends Serializable {

    /** Whether block {@code block} (counted from 0) routes; a block that does not computes every token. */
    boolean routes(int block);

    /** Every block computes every token: the plain GPT-2 body. */
    record Dense() implements Routing {
        @Override
        public boolean routes(int block) {
            return false;
        }
    }

    /**
     * The block picks its k tokens by the largest router weights of the sequence (arXiv 2404.02258, Equation 1).
     *
     * @param every every how many blocks one routes; 1 routes all
     * @param offset index of the routed block within each group of {@code every}, from 0; {@code every - 1} leaves
     *     block 0 dense
     * @param capacity share c of the sequence a routed block takes, in (0, 1]; k = max(1, round(c * S))
     * @param gate g of x + g(r) * d
     * @param auxWeight weight of BCE(r, selected) in the loss, at least 0; it trains the router for causal use
     * @param predictor whether each routed block also trains the stop-gradient predictor of its own selection
     */
    record ExpertChoice(int every, int offset, double capacity, Gate gate, double auxWeight, boolean predictor)
            implements Routing {
        public ExpertChoice {
            if (every < 1 || offset < 0 || offset >= every) {
                throw new IllegalArgumentException(
                        "every = " + every + ", offset = " + offset + ": must hold 0 <= offset < every");
            }
            if (!(capacity > 0 && capacity <= 1)) {
                throw new IllegalArgumentException("capacity = " + capacity + ": must be in (0, 1]");
            }
            if (!(auxWeight >= 0)) {
                throw new IllegalArgumentException("auxWeight = " + auxWeight + ": must be >= 0");
            }
        }

        @Override
        public boolean routes(int block) {
            return block % every == offset;
        }

        /** k: the tokens a routed block takes of a sequence of {@code length}; halves round to even. */
        public int selected(int length) {
            return (int) Math.max(1, Math.rint(capacity * length));
        }
    }
}
