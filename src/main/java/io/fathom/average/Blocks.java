package io.fathom.average;

import java.util.stream.IntStream;

/** A long vector in blocks that the machine's cores share; what comes of it does not depend on how they do. */
final class Blocks {
    private static final int LENGTH = 1 << 16;

    private Blocks() {}

    /** Work on the elements {@code from} to {@code to}, exclusive. */
    @FunctionalInterface
    interface Work {
        void on(int from, int to);
    }

    /** A number made of the elements {@code from} to {@code to}, exclusive. */
    @FunctionalInterface
    interface Measure {
        double of(int from, int to);
    }

    /** Does {@code work} on all of {@code length} elements. */
    static void each(int length, Work work) {
        blocks(length).forEach(block -> work.on(from(block), to(block, length)));
    }

    /** The sum of {@code measure} over all blocks, added in their order. */
    static double sum(int length, Measure measure) {
        double sum = 0;
        for (double part : blocks(length)
                .mapToDouble(block -> measure.of(from(block), to(block, length)))
                .toArray()) {
            sum += part;
        }
        return sum;
    }

    private static IntStream blocks(int length) {
        return IntStream.range(0, (int) (((long) length + LENGTH - 1) / LENGTH)).parallel();
    }

    private static int from(int block) {
        return block * LENGTH;
    }

    private static int to(int block, int length) {
        return (int) Math.min(length, (block + 1L) * LENGTH);
    }
}
