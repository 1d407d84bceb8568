package io.fathom.cluster;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.Claim;

/**
 * A start of training that has claimed its run directory; close it when all of the run is written.
 *
 * @param claim to be looked at before anything is written there
 * @param from where training begins
 */
public record ClaimedStart(Claim claim, Checkpoint from) implements AutoCloseable {
    @Override
    public void close() {
        claim.close();
    }
}
