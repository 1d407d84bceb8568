package io.fathom.engine;

import io.fathom.model.Batch;
import io.fathom.program.Program;

/**
 * One program on one engine, with its parameters, gradient and optimizer moments; all zero when opened. Moments of its
 * own serve until it is {@linkplain #attach attached} to a worker's.
 *
 * <p>Not thread-safe: one thread at a time. A step is {@code clearGradient}, {@code run} for each micro-batch,
 * {@code update}.
 */
public interface Session extends AutoCloseable {

    /** The flat vectors a session holds, all in the order of {@link Program#layout()}. */
    enum Vector {
        PARAMETERS,
        GRADIENT,
        FIRST_MOMENT,
        SECOND_MOMENT
    }

    /** The program it runs. */
    Program program();

    /** Copies {@code values} (length {@code layout().size()}) in. */
    void write(Vector vector, float[] values);

    /**
     * Copies the first {@code count} of {@code values} to elements {@code from} on; both are multiples of
     * {@link io.fathom.model.ParameterLayout#ALIGNMENT}.
     */
    void write(Vector vector, int from, float[] values, int count);

    /** Copies {@code values} in at the session's own precision. */
    default void write(Vector vector, double[] values) {
        float[] narrow = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            narrow[i] = (float) values[i];
        }
        write(vector, narrow);
    }

    /** Copies a vector out. */
    void read(Vector vector, float[] values);

    /**
     * Copies {@code count} elements, from {@code from} on, to the beginning of {@code values}; both are multiples of
     * {@link io.fathom.model.ParameterLayout#ALIGNMENT}.
     */
    void read(Vector vector, int from, float[] values, int count);

    /** Copies a vector out at the session's own precision. */
    default void read(Vector vector, double[] values) {
        float[] narrow = new float[values.length];
        read(vector, narrow);
        for (int i = 0; i < values.length; i++) {
            values[i] = narrow[i];
        }
    }

    /**
     * Memory for a worker's moments, all zero; whoever asks for it closes it. A program that does not train throws
     * {@link IllegalArgumentException}.
     */
    MomentMemory takeMoments();

    /**
     * Makes {@code moments} the moments of this session: every later read, write and update is one of them. Nothing is
     * copied, unless they come from another GPU. Throws {@link IllegalArgumentException} when they are of another
     * engine or layout.
     */
    void attach(MomentMemory moments);

    /** Sets the gradient to zero. */
    void clearGradient();

    /** Runs the program on {@code batch}; a training program adds to the gradient. */
    void run(Batch batch);

    /** An output of the last run as doubles, row by row; a fresh array. */
    double[] output(String name);

    /** A scalar output of the last run. */
    default double scalar(String name) {
        return output(name)[0];
    }

    /**
     * Clips and applies the gradient. Returns the gradient's global norm before clipping; when that is not finite
     * nothing has been changed.
     */
    double update(AdamW step);

    /** Frees memory; the session is of no use afterwards. */
    @Override
    void close();
}
