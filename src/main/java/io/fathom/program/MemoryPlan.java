package io.fathom.program;

import java.util.Map;

/**
 * The places of activations in one arena, reused where lifetimes do not meet.
 *
 * @param offsets by value id, in elements, each a multiple of 32; an INT takes the room of a REAL
 * @param elements size of the arena
 * @param unshared elements that all activations would take without reuse
 */
public record MemoryPlan(Map<Integer, Long> offsets, long elements, long unshared) {
    public MemoryPlan {
        offsets = Map.copyOf(offsets);
    }

    /** First element of {@code value} in the arena. */
    public long offset(Value value) {
        Long offset = offsets.get(value.id());
        if (offset == null) {
            throw new IllegalArgumentException(value.name() + " has no place in the arena");
        }
        return offset;
    }
}
