package io.fathom.decode;

import java.util.List;

/**
 * One token of a text and the blocks that computed it.
 *
 * @param token its id
 * @param text the characters it completes; empty where it ends within a character
 * @param generated whether the model wrote it rather than the prompt
 * @param blocks that computed it, ascending; empty where the model has not read it: the last token, and those of a
 *     prompt too long for the context
 */
public record RoutedToken(int token, String text, boolean generated, List<Integer> blocks) {
    public RoutedToken {
        blocks = List.copyOf(blocks);
    }

    /** How many blocks computed it. */
    public int depth() {
        return blocks.size();
    }
}
