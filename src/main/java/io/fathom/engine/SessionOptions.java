package io.fathom.engine;

/**
 * How a session runs.
 *
 * @param precision numbers to compute with
 * @param threads threads of the session, at least 1; processors alone
 * @param device index of the GPU among those this process sees, from 0; GPUs alone
 */
public record SessionOptions(Precision precision, int threads, int device) {
    /** One thread, single precision, first device. */
    public static final SessionOptions DEFAULT = new SessionOptions(Precision.FLOAT32, 1, 0);

    public SessionOptions {
        if (threads < 1 || device < 0) {
            throw new IllegalArgumentException(
                    "threads = " + threads + ", device = " + device + ": must be >= 1 and >= 0");
        }
    }

    /** The same with another precision. */
    public SessionOptions withPrecision(Precision other) {
        return new SessionOptions(other, threads, device);
    }
}
