package io.fathom.train;

import io.fathom.config.UserError;

/** A worker's loss or gradient norm stopped being finite; nothing of its round is published. */
public class NonFiniteException extends UserError {
    private static final long serialVersionUID = 1L;

    public NonFiniteException(int worker, long step, String quantity, double found) {
        super("worker " + worker + ", step " + step + ": " + quantity + " is " + found
                + "; nothing of this round is kept. Lower train.learningRate.peak, lengthen"
                + " train.learningRate.warmupSteps or lower train.adamw.clipNorm, and go on with --resume");
    }
}
