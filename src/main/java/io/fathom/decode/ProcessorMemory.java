package io.fathom.decode;

import io.fathom.engine.TokenReader;
import io.fathom.model.ModelSpec;
import java.util.Arrays;

/** Keys and values of one sequence on the processor. */
final class ProcessorMemory implements TokenReader.Memory {
    private final BlockCache[] caches;
    private int length;

    ProcessorMemory(ModelSpec spec) {
        caches = new BlockCache[spec.blocks()];
        Arrays.setAll(caches, i -> new BlockCache(spec.width(), spec.context()));
    }

    BlockCache cache(int block) {
        return caches[block];
    }

    /** Takes the next token in and returns its position. */
    int append() {
        return length++;
    }

    /** Nothing to give back: it is memory of the program. */
    @Override
    public void close() {}
}
