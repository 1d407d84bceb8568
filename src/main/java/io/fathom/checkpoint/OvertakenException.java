package io.fathom.checkpoint;

import io.fathom.config.UserError;

/** A newer start has claimed the run directory; the message says which. */
public final class OvertakenException extends UserError {
    private static final long serialVersionUID = 1L;

    OvertakenException(String message) {
        super(message);
    }
}
