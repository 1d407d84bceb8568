package io.fathom.decode;

import io.fathom.model.Gate;
import org.jspecify.annotations.Nullable;

/** The router of one block, and its predictor where the model has one. */
record Router(float[] weight, Gate gate, @Nullable Predictor predictor) {

    /** The stop-gradient predictor: p = silu(x fc + bias) . out + outBias. */
    record Predictor(Matrix fc, float[] fcBias, float[] out, float outBias) {
        double logit(float[] x) {
            float[] hidden = fc.times(new float[][] {x}, fcBias)[0];
            double p = outBias;
            for (int i = 0; i < hidden.length; i++) {
                double z = hidden[i];
                p += z / (1 + Math.exp(-z)) * out[i];
            }
            return p;
        }
    }

    /** r = x . w. */
    double score(float[] x) {
        double r = 0;
        for (int i = 0; i < x.length; i++) {
            r += (double) x[i] * weight[i];
        }
        return r;
    }

    /** g(r), the factor of the delta. */
    float factor(float[] x) {
        return (float) gate.apply(score(x));
    }

    /** What decides whether token {@code x} enters. */
    double signal(boolean byPredictor, float[] x) {
        if (!byPredictor) {
            return score(x);
        }
        if (predictor == null) {
            throw new IllegalStateException("predictor routing of a model without predictor");
        }
        return predictor.logit(x);
    }
}
