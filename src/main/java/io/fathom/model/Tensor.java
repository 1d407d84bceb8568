package io.fathom.model;

import java.util.List;

/**
 * One named parameter and its place in the flat parameter vector, row-major.
 *
 * @param name GPT-2 name, for example {@code h.3.attn.c_attn.weight}
 * @param shape one or two sizes; matrices are [in, out]
 * @param offset first float in the flat vector, a multiple of {@link ParameterLayout#ALIGNMENT}
 */
public record Tensor(String name, List<Integer> shape, int offset) {
    public Tensor {
        shape = List.copyOf(shape);
    }

    /** Floats of this tensor. */
    public int length() {
        int length = 1;
        for (int size : shape) {
            length = Math.multiplyExact(length, size);
        }
        return length;
    }

    /** Whether decoupled weight decay applies: rank 2 and above. */
    public boolean decays() {
        return shape.size() >= 2;
    }

    /** Rows when seen as a matrix; a vector is one row. */
    public int rows() {
        return shape.size() == 1 ? 1 : shape.get(0);
    }

    /** Columns when seen as a matrix. */
    public int columns() {
        return shape.get(shape.size() - 1);
    }
}
