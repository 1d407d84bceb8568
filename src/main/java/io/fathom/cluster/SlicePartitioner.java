package io.fathom.cluster;

import io.fathom.average.Slices;
import org.apache.spark.Partitioner;

/** A few slices a partition; workers' reports, which are made last, go with the last. */
final class SlicePartitioner extends Partitioner {
    private static final long serialVersionUID = 1L;

    /** Floats of all workers that a task sums, where they come in the wrong order all in its hands: 16 MiB. */
    private static final int HELD_FLOATS = 1 << 22;
    /** Most parameters of which a task makes the means. */
    private static final int TASK_FLOATS = 1 << 20;

    private final int slices;
    private final int slicesOfTask;

    /**
     * A partitioner of one round.
     *
     * @param vectors that are cut into {@code slices}
     * @param workers that give them
     */
    SlicePartitioner(Slices slices, int vectors, int workers) {
        this(
                vectors * slices.count(),
                Math.max(1, Math.min(TASK_FLOATS, HELD_FLOATS / workers) / slices.sliceFloats()));
    }

    private SlicePartitioner(int slices, int slicesOfTask) {
        this.slices = slices;
        this.slicesOfTask = slicesOfTask;
    }

    /** The same in {@code tasks} partitions at most: where parts stay in memory, a task has one slice in its hands. */
    SlicePartitioner atMost(int tasks) {
        return new SlicePartitioner(slices, Math.max(slicesOfTask, (slices + tasks - 1) / tasks));
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
