package io.fathom.program;

import java.util.Map;

/**
 * The places of activations in one arena, reused where lifetimes do not meet.
 *
 * @param offsets by value id, in elements, each a multiple of 32; an INT takes the room of a REAL
 * @param strides by value id, the elements from one row to the next where that is more than the columns
 * @param elements size of the arena
 * @param unshared elements that all activations would take without reuse
 */
public record MemoryPlan(Map<Integer, Long> offsets, Map<Integer, Integer> strides, long elements, long unshared) {
    public MemoryPlan {
        offsets = Map.copyOf(offsets);
        strides = Map.copyOf(strides);
    }

    /** First element of {@code value} in the arena. */
    public long offset(Value value) {
        Long offset = offsets.get(value.id());
        if (offset == null) {
            throw new IllegalArgumentException(value.name() + " has no place in the arena");
        }
        return offset;
    }

    /** Elements from one row of {@code value} to the next. */
    public int rowStride(Value value) {
        return strides.getOrDefault(value.id(), value.columns());
    }

    /** Elements that {@code value} takes, those between its rows included. */
    public long length(Value value) {
        return (long) value.rows() * rowStride(value);
    }
}
