package io.fathom.decode;

import java.util.List;

/**
 * One generated text.
 *
 * @param prompt what it goes on from
 * @param text what the model wrote
 * @param end why it ended
 * @param tokens of prompt and text with their routes
 * @param cost what it took
 */
public record Generation(String prompt, String text, End end, List<RoutedToken> tokens, Cost cost) {
    /** Why a text ended. */
    public enum End {
        /** The model wrote the end-of-text token. */
        END_OF_TEXT,
        /** The asked number of tokens is written. */
        LENGTH
    }

    public Generation {
        tokens = List.copyOf(tokens);
    }

    /**
     * What a text took, beside the same text from the model's dense twin.
     *
     * @param promptTokens tokens of the prompt, the leading end-of-text token of an empty one included
     * @param newTokens tokens written
     * @param readTokens tokens the model read; those read again after a slide count again
     * @param slides times the context was full and its newer half was read again
     * @param meanDepth blocks that computed a token, the mean over the tokens read
     * @param cacheBytes bytes of keys and values at the end
     * @param denseCacheBytes the same of the dense twin
     * @param flops of the matrix products, 2 m n k each
     * @param denseFlops the same of the dense twin
     * @param promptSeconds until the first new token was chosen; of the whole batch
     * @param newSeconds from then to the end; of the whole batch
     */
    public record Cost(
            int promptTokens,
            int newTokens,
            int readTokens,
            int slides,
            double meanDepth,
            long cacheBytes,
            long denseCacheBytes,
            long flops,
            long denseFlops,
            double promptSeconds,
            double newSeconds) {

        /** New tokens a second after the first; 0 where there was none. */
        public double tokensPerSecond() {
            return newTokens > 1 ? (newTokens - 1) / newSeconds : 0;
        }

        /** FLOPs for each token read. */
        public double flopsPerToken() {
            return (double) flops / readTokens;
        }

        /** FLOPs for each token read by the dense twin. */
        public double denseFlopsPerToken() {
            return (double) denseFlops / readTokens;
        }
    }
}
