package io.fathom.train;

/** A worker was told to stop between two steps; nothing of its round is kept. */
public class InterruptedRoundException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public InterruptedRoundException(int worker, long step) {
        super("worker " + worker + " stopped before step " + (step + 1));
    }
}
