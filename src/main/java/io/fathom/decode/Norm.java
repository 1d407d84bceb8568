package io.fathom.decode;

/** LayerNorm over a row: (x - mean) / sqrt(variance + 1e-5) * gain + bias, population variance. */
record Norm(float[] gain, float[] bias) {
    private static final double EPSILON = 1e-5;

    float[] apply(float[] x) {
        double mean = 0;
        for (float v : x) {
            mean += v;
        }
        mean /= x.length;
        double variance = 0;
        for (float v : x) {
            variance += (v - mean) * (v - mean);
        }
        double rstd = 1 / Math.sqrt(variance / x.length + EPSILON);
        float[] y = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = (float) ((x[i] - mean) * rstd * gain[i] + bias[i]);
        }
        return y;
    }

    float[][] apply(float[][] x) {
        float[][] y = new float[x.length][];
        for (int n = 0; n < x.length; n++) {
            y[n] = apply(x[n]);
        }
        return y;
    }
}
