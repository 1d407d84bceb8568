package io.fathom.engine;

import io.fathom.config.UserError;

/**
 * An engine cannot do what was asked on this machine, or a value stopped being finite; the message names the remedy.
 */
public class EngineException extends UserError {
    private static final long serialVersionUID = 1L;

    public EngineException(String message) {
        super(message);
    }

    public EngineException(String message, Throwable cause) {
        super(message, cause);
    }
}
