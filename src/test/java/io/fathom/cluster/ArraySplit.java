package io.fathom.cluster;

import io.fathom.corpus.TokenSplit;
import java.util.Arrays;
import java.util.SplittableRandom;

/** A split in memory. */
record ArraySplit(String name, int[] all) implements TokenSplit {

    /** Text that can be learnt: mostly each token follows the one before it. */
    static ArraySplit learnable(String name, int tokens, int vocabulary, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] all = new int[tokens];
        for (int i = 1; i < tokens; i++) {
            all[i] = random.nextInt(10) == 0 ? random.nextInt(vocabulary) : (all[i - 1] + 1) % vocabulary;
        }
        return new ArraySplit(name, all);
    }

    @Override
    public long tokens() {
        return all.length;
    }

    @Override
    public double bytesPerToken() {
        return 1;
    }

    @Override
    public int[] read(long from, int count) {
        return Arrays.copyOfRange(all, (int) from, (int) from + count);
    }
}
