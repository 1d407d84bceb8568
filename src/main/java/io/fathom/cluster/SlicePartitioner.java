package io.fathom.cluster;

import org.apache.spark.Partitioner;

/** One partition a slice; workers' reports, whose keys are negative, go with slice 0. */
final class SlicePartitioner extends Partitioner {
    private static final long serialVersionUID = 1L;

    private final int slices;

    SlicePartitioner(int slices) {
        this.slices = slices;
    }

    @Override
    public int numPartitions() {
        return slices;
    }

    @Override
    public int getPartition(Object key) {
        return Math.max(0, (Integer) key);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SlicePartitioner partitioner && partitioner.slices == slices;
    }

    @Override
    public int hashCode() {
        return slices;
    }
}
