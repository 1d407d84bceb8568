package io.fathom.graph.weights;

import java.util.List;

/**
 * One tensor of a safetensors file.
 *
 * @param name as the file names it
 * @param type of its elements
 * @param shape sizes, row-major; empty for a scalar
 * @param begin first byte, counted from the start of the file
 * @param elements product of the sizes
 */
public record StoredTensor(String name, ElementType type, List<Long> shape, long begin, long elements) {
    public StoredTensor {
        shape = List.copyOf(shape);
    }

    /** Bytes it takes in the file. */
    public long bytes() {
        return elements * type.bytes();
    }
}
