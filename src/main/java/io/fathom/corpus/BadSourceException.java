package io.fathom.corpus;

import java.io.IOException;

/** What a file holds is not what its name promises; the message says where in the file and what, not which file. */
final class BadSourceException extends IOException {
    private static final long serialVersionUID = 1L;

    BadSourceException(String message) {
        super(message);
    }
}
