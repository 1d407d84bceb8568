package io.fathom.cluster;

import io.fathom.average.Slices;
import org.apache.spark.Partitioner;

/** A few slices a partition; workers' reports, whose keys are negative, go with the first. */
final class SlicePartitioner extends Partitioner {
    private static final long serialVersionUID = 1L;

    /** Of as many parameters a task makes the means: few enough tasks, and far below what one may hold. */
    private static final int TASK_FLOATS = 1 << 21;

    private final int slices;
    private final int slicesOfTask;

    /** @param vectors that are cut into {@code slices} */
    SlicePartitioner(Slices slices, int vectors) {
        this.slices = vectors * slices.count();
        this.slicesOfTask = Math.max(1, TASK_FLOATS / slices.sliceFloats());
    }

    @Override
    public int numPartitions() {
        return (slices + slicesOfTask - 1) / slicesOfTask;
    }

    @Override
    public int getPartition(Object key) {
        return Math.max(0, (Integer) key) / slicesOfTask;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SlicePartitioner partitioner
                && partitioner.slices == slices
                && partitioner.slicesOfTask == slicesOfTask;
    }

    @Override
    public int hashCode() {
        return 31 * slices + slicesOfTask;
    }
}
