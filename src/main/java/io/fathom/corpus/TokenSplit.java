package io.fathom.corpus;

import java.io.Serializable;

/**
 * One split of a corpus: a row of tokens in which every document is followed by the end-of-text token, read by windows
 * at any place. Thread-safe; serialises as a description, the tokens stay where they are.
 */
public interface TokenSplit extends Serializable {

    /** What messages call it: where the corpus lies and which split this is. */
    String name();

    /** Number of tokens. */
    long tokens();

    /** UTF-8 bytes of the split's text over its tokens; nats per token / ln 2 / this = bits per byte. */
    double bytesPerToken();

    /**
     * The {@code count} tokens from number {@code from} on.
     *
     * @throws io.fathom.config.UserError if the shard they lie in is truncated or damaged
     */
    int[] read(long from, int count);

    /** How many windows of {@code length} + 1 tokens, one every {@code length} tokens, the split holds. */
    default long windows(int length) {
        if (length < 1) {
            throw new IllegalArgumentException("a window needs a length of at least 1, got " + length);
        }
        return Math.max(0, (tokens() - 1) / length);
    }

    /** Window {@code index}: {@code length} + 1 tokens; its last token is the first of the next window. */
    default int[] window(long index, int length) {
        if (index < 0 || index >= windows(length)) {
            throw new IndexOutOfBoundsException(
                    "window " + index + " is outside 0.." + (windows(length) - 1) + " of " + name());
        }
        return read(index * length, length + 1);
    }
}
