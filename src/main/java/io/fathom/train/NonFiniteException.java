package io.fathom.train;

import io.fathom.config.UserError;

/** A worker's loss or gradient norm stopped being finite: what its round came to is of no use. */
public class NonFiniteException extends UserError {
    private static final long serialVersionUID = 1L;

    public NonFiniteException(long step, String quantity, double found) {
        super("in step " + step + " " + quantity + " is " + found
                + ": lower train.learningRate.peak, lengthen train.learningRate.warmupSteps or lower"
                + " train.adamw.clipNorm");
    }
}
