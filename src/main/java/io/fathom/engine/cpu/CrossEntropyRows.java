package io.fathom.engine.cpu;

/** Softmax and cross-entropy of single rows of logits, in scratch. */
final class CrossEntropyRows {
    private CrossEntropyRows() {}

    /**
     * Row [at, at + columns) of {@code z} to e^(z - max), in place; {@code sums[0]} gets max and {@code sums[1]} the
     * sum of the row.
     */
    static void exponentials(float[] z, int at, int columns, float[] sums) {
        int end = at + columns;
        float max = Vectors.max(z, at, end);
        Vectors.subtract(z, at, end, max);
        Vectors.expOfNegative(z, at, end);
        sums[0] = max;
        sums[1] = Vectors.sum(z, at, end);
    }
}
