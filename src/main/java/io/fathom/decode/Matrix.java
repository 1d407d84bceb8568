package io.fathom.decode;

/**
 * A weight matrix [in, out], each row an array of its own.
 *
 * <p>Rows are arrays rather than slices of the flat parameter vector because the JIT compiler of JDK 17 turns the inner
 * loop into vector instructions only where both arrays are indexed by the bare loop variable: about 45 GFLOP/s a core
 * instead of 8 on an AVX-512 machine.
 *
 * @param rows by input
 * @param outputs columns
 */
record Matrix(float[][] rows, int outputs) {
    static Matrix of(float[] values, int offset, int inputs, int outputs) {
        float[][] rows = new float[inputs][outputs];
        for (int i = 0; i < inputs; i++) {
            System.arraycopy(values, offset + i * outputs, rows[i], 0, outputs);
        }
        return new Matrix(rows, outputs);
    }

    /** The transpose of the [outputs, inputs] matrix at {@code offset}. */
    static Matrix transposed(float[] values, int offset, int outputs, int inputs) {
        float[][] rows = new float[inputs][outputs];
        for (int o = 0; o < outputs; o++) {
            for (int i = 0; i < inputs; i++) {
                rows[i][o] = values[offset + o * inputs + i];
            }
        }
        return new Matrix(rows, outputs);
    }

    int inputs() {
        return rows.length;
    }

    /**
     * y[n] = bias + x[n] W for every n. Each sum runs over the inputs in ascending order whatever the number of rows,
     * so a token's result does not depend on the tokens beside it, to the bit.
     */
    float[][] times(float[][] x, float[] bias) {
        float[][] y = new float[x.length][];
        for (int n = 0; n < x.length; n++) {
            y[n] = bias.clone();
        }
        int i = 0;
        // Four weight rows stay in cache while every token uses them.
        for (; i + 3 < rows.length; i += 4) {
            for (int n = 0; n < x.length; n++) {
                float[] input = x[n];
                addFour(y[n], rows, i, input[i], input[i + 1], input[i + 2], input[i + 3]);
            }
        }
        for (; i < rows.length; i++) {
            for (int n = 0; n < x.length; n++) {
                add(y[n], rows[i], x[n][i]);
            }
        }
        return y;
    }

    private static void addFour(float[] y, float[][] rows, int i, float x0, float x1, float x2, float x3) {
        float[] w0 = rows[i];
        float[] w1 = rows[i + 1];
        float[] w2 = rows[i + 2];
        float[] w3 = rows[i + 3];
        for (int j = 0; j < y.length; j++) {
            y[j] = y[j] + x0 * w0[j] + x1 * w1[j] + x2 * w2[j] + x3 * w3[j];
        }
    }

    private static void add(float[] y, float[] w, float x) {
        for (int j = 0; j < y.length; j++) {
            y[j] += x * w[j];
        }
    }
}
