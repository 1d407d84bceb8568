package io.fathom.decode;

import io.fathom.model.ModelSpec;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** One text being decoded: what the model remembers of it, and what it cost. Made and advanced by a {@link Decoder}. */
public final class Sequence {
    private final ModelSpec spec;
    private final BlockCache[] caches;
    private final int[] depths;
    private int length;
    private long flops;
    private long denseFlops;

    Sequence(ModelSpec spec) {
        this.spec = spec;
        this.caches = new BlockCache[spec.blocks()];
        for (int i = 0; i < caches.length; i++) {
            caches[i] = new BlockCache(spec.width(), spec.context());
        }
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
        return IntStream.range(0, caches.length)
                .filter(block -> caches[block].holds(position))
                .boxed()
                .toList();
    }

    /** Positions of the tokens that block {@code block} computed, ascending. */
    public int[] routed(int block) {
        return caches[block].positions();
    }

    /** Bytes of keys and values kept: 8 D for each token of each block that computed it. */
    public long cacheBytes() {
        return Arrays.stream(caches).mapToLong(BlockCache::bytes).sum();
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

    BlockCache cache(int block) {
        return caches[block];
    }

    /** Takes the next token in and returns its position. */
    int append() {
        denseFlops += spec.blocks() * blockFlops(length + 1);
        return length++;
    }

    /** Lets the token at {@code position} into {@code block}; {@code qkv} is its query, key and value. */
    void enter(int block, int position, float[] qkv) {
        caches[block].add(position, qkv);
        depths[position]++;
        flops += blockFlops(caches[block].tokens());
    }

    /** Notes what deciding on a token's route cost. */
    void looked(long routerFlops) {
        flops += routerFlops;
    }

    /** Notes that logits were made. */
    void headed() {
        long head = 2L * spec.width() * spec.vocabulary();
        flops += head;
        denseFlops += head;
    }

    private long blockFlops(long visible) {
        long width = spec.width();
        return 24 * width * width + 4 * visible * width;
    }
}
