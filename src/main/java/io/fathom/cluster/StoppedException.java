package io.fathom.cluster;

import io.fathom.config.UserError;

/** Training was stopped by a signal; the message says where it can go on. */
public class StoppedException extends UserError {
    private static final long serialVersionUID = 1L;

    public StoppedException(String message) {
        super(message);
    }
}
