package io.fathom.engine.cpu;

import io.fathom.engine.EngineException;
import org.bytedeco.javacpp.Pointer;

/**
 * One piece of zeroed memory outside the heap, taken when a session opens.
 *
 * <p>Taken from the C library and not by a JavaCPP pointer: those count against a limit that follows from {@code -Xmx},
 * which says nothing about what a model needs.
 */
final class Slab implements AutoCloseable {
    private static final int ALIGNMENT = 64;

    private final Pointer memory;
    private final long address;
    private final long floats;

    private Slab(Pointer memory, long floats) {
        this.memory = memory;
        this.address = (memory.address() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        this.floats = floats;
    }

    /** Takes {@code floats} floats for {@code purpose}; throws {@link EngineException} when the machine has none. */
    static Slab take(long floats, String purpose) {
        Pointer memory = Pointer.calloc(1, Math.max(1, floats) * Float.BYTES + ALIGNMENT);
        if (memory == null || memory.isNull()) {
            throw new EngineException("no memory for " + purpose + ": " + floats * Float.BYTES / (1 << 20)
                    + " MiB wanted; use a smaller micro-batch, a shorter context or a smaller model");
        }
        return new Slab(memory, floats);
    }

    /** {@code length} floats from {@code from} on. */
    Floats floats(long from, int length) {
        if (from < 0 || from + length > floats) {
            throw new IndexOutOfBoundsException(from + " + " + length + " of " + floats);
        }
        return new Floats(address + Float.BYTES * from, length);
    }

    /** Of the first float. */
    long address() {
        return address;
    }

    long bytes() {
        return floats * Float.BYTES;
    }

    @Override
    public void close() {
        Pointer.free(memory);
    }
}
