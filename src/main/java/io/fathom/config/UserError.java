package io.fathom.config;

/**
 * A mistake the user can mend. The message is for them: it names the thing, what was found, what was expected and the
 * remedy; jobs print it alone, without a stack trace, and exit with a code other than zero.
 */
public class UserError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public UserError(String message) {
        super(message);
    }

    public UserError(String message, Throwable cause) {
        super(message, cause);
    }
}
