package io.fathom.model;

import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The shape of one model: a GPT-2 body with pre-norm blocks, some of which route.
 *
 * @param vocabulary V, tokens the model knows
 * @param context S, tokens of a sequence
 * @param width D, of the residual stream
 * @param heads h, attention heads; divides D
 * @param blocks L
 * @param routing which blocks route, and how
 */
public record ModelSpec(int vocabulary, int context, int width, int heads, int blocks, Routing routing)
        implements Serializable {
    public ModelSpec {
        if (vocabulary < 2 || context < 1 || width < 2 || heads < 1 || blocks < 1) {
            throw new IllegalArgumentException("vocabulary = " + vocabulary + ", context = " + context + ", width = "
                    + width + ", heads = " + heads + ", blocks = " + blocks
                    + ": vocabulary and width must be >= 2, the others >= 1");
        }
        if (width % heads != 0) {
            throw new IllegalArgumentException("width = " + width + ": must be a multiple of heads = " + heads);
        }
    }

    /** D / h. */
    public int headWidth() {
        return width / heads;
    }

    /** Whether block {@code block} routes. */
    public boolean routes(int block) {
        return routing.routes(block);
    }

    /** The routed blocks in ascending order. */
    public List<Integer> routedBlocks() {
        return IntStream.range(0, blocks).filter(this::routes).boxed().toList();
    }

    /** The same model with every block dense: what a routed model is compared to. */
    public ModelSpec dense() {
        return new ModelSpec(vocabulary, context, width, heads, blocks, new Routing.Dense());
    }

    /** The same model whose routed blocks take another share of the sequence; itself where none routes. */
    public ModelSpec withCapacity(double share) {
        return routing instanceof Routing.Routed routed
                ? new ModelSpec(vocabulary, context, width, heads, blocks, routed.withCapacity(share))
                : this;
    }

    /** The same model over sequences of another length. */
    public ModelSpec withContext(int length) {
        return new ModelSpec(vocabulary, length, width, heads, blocks, routing);
    }
}
