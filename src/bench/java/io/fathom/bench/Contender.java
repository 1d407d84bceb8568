package io.fathom.bench;

/** One way to train: some workers, each with an equal share of the batch and its own model. */
interface Contender extends AutoCloseable {
    String name();

    /** Makes process-wide settings its own: thread counts. */
    void prepare();

    /** One step of worker {@code worker}, on that worker's own thread; its loss. */
    double step(int worker);

    int workers();

    @Override
    void close();
}
