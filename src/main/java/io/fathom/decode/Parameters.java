package io.fathom.decode;

import io.fathom.model.ParameterLayout;
import io.fathom.model.Tensor;
import java.util.Arrays;

/** Copies of parameters by name, out of the flat vector; names are short of {@code prefix}. */
record Parameters(ParameterLayout layout, float[] theta, String prefix) {
    Parameters of(String otherPrefix) {
        return new Parameters(layout, theta, otherPrefix);
    }

    float[] vector(String name) {
        Tensor t = layout.tensor(prefix + name);
        return Arrays.copyOfRange(theta, t.offset(), t.offset() + t.length());
    }

    Matrix matrix(String name) {
        Tensor t = layout.tensor(prefix + name);
        return Matrix.of(theta, t.offset(), t.rows(), t.columns());
    }

    Norm norm(String name) {
        return new Norm(vector(name + ".weight"), vector(name + ".bias"));
    }
}
