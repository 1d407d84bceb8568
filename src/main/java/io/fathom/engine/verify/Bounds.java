package io.fathom.engine.verify;

import io.fathom.engine.Precision;

/**
 * The largest relative errors a precision is allowed.
 *
 * @param loss of a loss
 * @param gradient of a tensor's gradient: |g - reference| / |reference|
 * @param logits of all logits, likewise
 * @param trained of a tensor after ten optimizer steps, likewise
 * @param chosen share of the places of a block's index that may differ
 */
public record Bounds(double loss, double gradient, double logits, double trained, double chosen) {

    /** The bounds of {@code precision}. */
    public static Bounds of(Precision precision) {
        return switch (precision) {
            case FLOAT64 -> new Bounds(1e-9, 1e-9, 1e-9, 1e-9, 0);
            case FLOAT32 -> new Bounds(1e-5, 1e-4, 1e-4, 1e-3, 0);
            // Ten bits of mantissa round at 2^-11 = 5e-4; a gradient sums such errors over the depth of the model.
            case TF32 -> new Bounds(5e-3, 2e-2, 1e-2, 5e-3, 0);
            // Eight bits of mantissa round at 2^-9 = 2e-3, in activations too; the choice itself is exact, but scores
            // closer than that rounding (4e-3 apart over a range of 4.6 in one shipped case) may change places, and one
            // other token of 16 in one of ten steps moves what follows by some percent.
            case BF16 -> new Bounds(3e-2, 1e-1, 5e-2, 1e-1, 0.25);
        };
    }
}
