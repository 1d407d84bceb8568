package io.fathom.cluster;

import io.fathom.config.UserError;

/** A job was stopped by a signal; the message says what is left of it. */
public class StoppedException extends UserError {
    private static final long serialVersionUID = 1L;

    public StoppedException(String message) {
        super(message);
    }

    /** The same, with how to go on. */
    public StoppedException with(String remedy) {
        return new StoppedException(getMessage() + "; " + remedy);
    }
}
