package io.fathom.engine;

import io.fathom.model.ModelSpec;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * A model that reads tokens one after the other and decides each token's route from it and those before it alone: block
 * i computes a token where its signal exceeds a threshold. Weights, keys and values lie where they are computed with.
 *
 * <p>Thread-safe; each {@link Memory} belongs to one thread at a time.
 */
public interface TokenReader extends AutoCloseable {
    /** The model. */
    ModelSpec spec();

    /** One line about what it computes on. */
    String description();

    /** A sequence with no token yet. */
    Memory begin();

    /**
     * Reads {@code text}, at most the model's context in each sequence, and keeps it in the sequences' memories.
     *
     * @param rule how tokens are routed
     * @param wanted what is asked for
     */
    Reading read(Text text, Rule rule, Wanted wanted);

    /**
     * The thresholds by which each routed block would be entered: block after block {@code boundary} of its signals
     * over all of {@code text}, given the routes of the blocks before. The memories are of no use afterwards.
     *
     * @param predictor whether the predictor's logit is the signal, or the router weight
     */
    double[] calibrate(Text text, boolean predictor, ToDoubleFunction<double[]> boundary);

    /** Frees the weights; the reader and its memories are of no use afterwards. */
    @Override
    void close();

    /** What the model remembers of one sequence. */
    interface Memory extends AutoCloseable {
        /** Gives its room back. */
        @Override
        void close();
    }

    /**
     * The next tokens of some sequences; row n is the n-th of all of them in order.
     *
     * @param memories each once, of one reader
     * @param tokens one at least for each
     */
    record Text(List<? extends Memory> memories, int[][] tokens) {
        public Text {
            if (memories.isEmpty() || memories.size() != tokens.length) {
                throw new IllegalArgumentException(memories.size() + " sequences, tokens for " + tokens.length
                        + ": need as many, and at least one");
            }
            if (new HashSet<Memory>(memories).size() != memories.size()) {
                throw new IllegalArgumentException("a sequence is given twice: give all its tokens at once");
            }
            memories = List.copyOf(memories);
        }

        /** Tokens of all sequences. */
        public int rows() {
            return Arrays.stream(tokens).mapToInt(each -> each.length).sum();
        }
    }

    /**
     * How tokens are routed.
     *
     * @param predictor whether the predictor's logit is compared, or the router weight
     * @param thresholds of the routed blocks in order
     */
    record Rule(boolean predictor, double[] thresholds) {}

    /**
     * Rows whose logits are wanted, or their losses.
     *
     * @param rows ascending
     * @param targets the token that each should foretell, where losses are wanted; else empty
     */
    record Wanted(int[] rows, int[] targets) {
        /** Logits after {@code rows}. */
        public static Wanted logits(int... rows) {
            return new Wanted(rows, new int[0]);
        }

        /** Whether losses are wanted in place of logits. */
        public boolean losses() {
            return targets.length > 0;
        }
    }

    /**
     * What was asked for.
     *
     * @param logits [wanted, V]; empty where losses were wanted
     * @param losses cross-entropies in nats; empty where logits were wanted
     * @param entered by routed block, in order, whether each row entered it
     */
    record Reading(float[][] logits, double[] losses, boolean[][] entered) {}
}
