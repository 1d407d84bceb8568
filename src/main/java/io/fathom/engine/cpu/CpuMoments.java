package io.fathom.engine.cpu;

import io.fathom.engine.MomentMemory;

/** Two vectors outside the heap; pages that nothing was written to take no memory yet. */
final class CpuMoments implements MomentMemory {
    private final Slab slab;
    private final Floats first;
    private final Floats second;

    CpuMoments(int size) {
        this.slab = Slab.take(2L * size, "the moments of a worker");
        this.first = slab.floats(0, size);
        this.second = slab.floats(size, size);
    }

    Floats first() {
        return first;
    }

    Floats second() {
        return second;
    }

    @Override
    public void close() {
        slab.close();
    }
}
