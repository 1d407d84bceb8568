package io.fathom.jobs;

/**
 * What a job told of its failure, for a launcher that shows what {@code main} throws; it has no stack trace to show.
 */
final class JobFailedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    JobFailedException(String told) {
        super(told, null, false, false);
    }
}
