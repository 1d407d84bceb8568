package io.fathom.train;

import io.fathom.model.Batch;

/** Where a worker's batches come from: a pure function, so that a step can be made again with the same result. */
@FunctionalInterface
public interface BatchSource {
    /** The batch of worker {@code worker} at step {@code step}, both from 0. */
    Batch batch(int worker, long step);
}
