package io.fathom.cluster;

import io.fathom.average.Slices;
import org.apache.spark.Partitioner;

/** A few slices a partition; workers' reports, which are made last, go with the last. */
final class SlicePartitioner extends Partitioner {
    private static final long serialVersionUID = 1L;

    /** Of as many parameters a task makes the means: few enough tasks, and far below what one may hold. */
    private static final int TASK_FLOATS = 1 << 20;

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
        int number = (Integer) key;
        return number == Emission.REPORT ? numPartitions() - 1 : number / slicesOfTask;
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
