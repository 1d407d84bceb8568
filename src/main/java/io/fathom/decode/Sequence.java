package io.fathom.decode;

import io.fathom.engine.TokenReader;
import io.fathom.model.ModelSpec;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** One text being decoded: what the model remembers of it, and what it cost. Made and advanced by a {@link Decoder}. */
public final class Sequence implements AutoCloseable {
    private final ModelSpec spec;
    private final TokenReader.Memory memory;
    /** By block the positions of the tokens that entered it, ascending; the first {@code counts} of each are used. */
    private final int[][] entered;

    private final int[] counts;
    private final int[] depths;
    private int length;
    private long flops;
    private long denseFlops;

    Sequence(ModelSpec spec, TokenReader.Memory memory) {
        this.spec = spec;
        this.memory = memory;
        this.entered = new int[spec.blocks()][spec.context()];
        this.counts = new int[spec.blocks()];
        this.depths = new int[spec.context()];
    }

    /** Tokens read so far; the next one has this position. At most the model's context. */
    public int length() {
        return length;
    }

    /** Blocks that computed the token at {@code position}. */
    public int depth(int position) {
        if (position < 0 || position >= length) {
            throw new IndexOutOfBoundsException("position " + position + " of a sequence of " + length + " tokens");
        }
        return depths[position];
    }

    /** The blocks that computed the token at {@code position}, ascending. */
    public List<Integer> blocks(int position) {
        return IntStream.range(0, entered.length)
                .filter(block -> Arrays.binarySearch(entered[block], 0, counts[block], position) >= 0)
                .boxed()
                .toList();
    }

    /** Positions of the tokens that block {@code block} computed, ascending. */
    public int[] routed(int block) {
        return Arrays.copyOf(entered[block], counts[block]);
    }

    /** Bytes of the keys and values of the tokens remembered: 8 D for each token of each block that computed it. */
    public long cacheBytes() {
        return 2L
                * Float.BYTES
                * spec.width()
                * Arrays.stream(counts).asLongStream().sum();
    }

    /** Bytes that the dense twin would keep. */
    public long denseCacheBytes() {
        return 2L * Float.BYTES * spec.width() * spec.blocks() * length;
    }

    /** FLOPs of the matrix products done so far, 2 m n k each; a token's attention counts the tokens it sees. */
    public long flops() {
        return flops;
    }

    /** FLOPs the dense twin would have needed for the same tokens and logits. */
    public long denseFlops() {
        return denseFlops;
    }

    /** Gives back what a device keeps of it; the figures above stay. */
    @Override
    public void close() {
        memory.close();
    }

    TokenReader.Memory memory() {
        return memory;
    }

    /**
     * Notes that row {@code row} of a reading was the next token of this sequence.
     *
     * @param rows by routed block, whether each row of the reading entered it
     * @param predictor whether routes were decided by predictors
     * @param headed whether its logits were made
     */
    void read(boolean[][] rows, int row, boolean predictor, boolean headed) {
        long width = spec.width();
        int index = 0;
        for (int block = 0; block < entered.length; block++) {
            boolean routes = spec.routes(block);
            if (routes) {
                // The router's weight and, where it decides, the predictor's two products.
                flops += 2 * width + (predictor ? 2 * width * (width / 2) + 2 * (width / 2) : 0);
            }
            if (!routes || rows[index][row]) {
                entered[block][counts[block]++] = length;
                depths[length]++;
                flops += blockFlops(counts[block]);
            }
            index += routes ? 1 : 0;
        }
        length++;
        denseFlops += spec.blocks() * blockFlops(length);
        if (headed) {
            long head = 2 * width * spec.vocabulary();
            flops += head;
            denseFlops += head;
        }
    }

    private long blockFlops(long visible) {
        long width = spec.width();
        return 24 * width * width + 4 * visible * width;
    }
}
