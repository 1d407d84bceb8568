package io.fathom.cluster;

import java.io.Serializable;

/** What tasks tell the driver while they run, by the way that {@link FathomPlugin} opens. */
sealed interface Dispatch extends Serializable {
    /** The round that waits for it, see {@link Arrivals#round}. */
    String round();

    /**
     * The mean of a slice.
     *
     * @param number of the slice; those of moments after the parameters'
     * @param bytes as {@link io.fathom.average.Floats} puts them
     */
    record Mean(String round, int number, byte[] bytes) implements Dispatch {}

    /** Asks whether all means with these numbers have arrived; answered with a {@link Boolean}. */
    record Inquiry(String round, int[] numbers) implements Dispatch {}
}
