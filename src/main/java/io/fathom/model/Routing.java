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

    /** What all routers share: which blocks route, how many tokens each takes, and the gate on what it adds. */
    sealed interface Routed extends Routing {
        /** Every how many blocks one routes; 1 routes all. */
        int every();

        /**
         * Index of the routed block within each group of {@code every}, from 0; {@code every - 1} leaves block 0 dense.
         */
        int offset();

        /** Share c of the sequence a routed block takes, in (0, 1]. */
        double capacity();

        /** g of x + g(r) * d. */
        Gate gate();

        @Override
        default boolean routes(int block) {
            return block % every() == offset();
        }

        /** The same with another capacity. */
        Routed withCapacity(double share);

        /** k = max(1, round(c * S)): the tokens a routed block takes of a sequence; halves round to even. */
        default int selected(int length) {
            return (int) Math.max(1, Math.rint(capacity() * length));
        }

        private static void check(int every, int offset, double capacity) {
            if (every < 1 || offset < 0 || offset >= every) {
                throw new IllegalArgumentException(
                        "every = " + every + ", offset = " + offset + ": must hold 0 <= offset < every");
            }
            if (!(capacity > 0 && capacity <= 1)) {
                throw new IllegalArgumentException("capacity = " + capacity + ": must be in (0, 1]");
            }
        }

        private static void notNegative(String name, double weight) {
            if (!(weight >= 0)) {
                throw new IllegalArgumentException(name + " = " + weight + ": must be >= 0");
            }
        }
    }

    /**
     * The block picks its k tokens by the largest router weights of the sequence (arXiv 2404.02258, Equation 1).
     *
     * @param auxWeight weight of BCE(r, selected) in the loss, at least 0; it trains the router for causal use
     * @param zWeight weight of mean(r^2) in the loss, at least 0; it keeps router weights small
     * @param predictor whether each routed block also trains the stop-gradient predictor of its own selection
     */
    record ExpertChoice(
            int every, int offset, double capacity, Gate gate, double auxWeight, double zWeight, boolean predictor)
            implements Routed {
        public ExpertChoice {
            Routed.check(every, offset, capacity);
            Routed.notNegative("auxWeight", auxWeight);
            Routed.notNegative("zWeight", zWeight);
        }

        @Override
        public ExpertChoice withCapacity(double share) {
            return new ExpertChoice(every, offset, share, gate, auxWeight, zWeight, predictor);
        }

        /** Without a z-loss. */
        public ExpertChoice(int every, int offset, double capacity, Gate gate, double auxWeight, boolean predictor) {
            this(every, offset, capacity, gate, auxWeight, 0, predictor);
        }
    }

    /**
     * Each token enters where its own router weight is positive; a block has room for k of a sequence, and of more the
     * largest weights stay. What a token does then depends on itself alone, but for the room.
     *
     * @param balanceWeight weight of the balance loss f P / c + (1 - f) (1 - P) / (1 - c), with f the share of tokens
     *     whose weight is positive and P the mean of sigmoid(r); it is 1 at f = P = c
     * @param zWeight weight of mean(r^2) in the loss, at least 0
     */
    record TokenChoice(int every, int offset, double capacity, Gate gate, double balanceWeight, double zWeight)
            implements Routed {
        public TokenChoice {
            Routed.check(every, offset, capacity);
            Routed.notNegative("balanceWeight", balanceWeight);
            Routed.notNegative("zWeight", zWeight);
        }

        @Override
        public TokenChoice withCapacity(double share) {
            return new TokenChoice(every, offset, share, gate, balanceWeight, zWeight);
        }
    }

    /**
     * The block picks k tokens by router weights drawn from a standard Gaussian, anew for each batch: the paper's
     * control, which has no router to learn.
     */
    record Stochastic(int every, int offset, double capacity, Gate gate) implements Routed {
        public Stochastic {
            Routed.check(every, offset, capacity);
        }

        @Override
        public Stochastic withCapacity(double share) {
            return new Stochastic(every, offset, share, gate);
        }
    }
}
