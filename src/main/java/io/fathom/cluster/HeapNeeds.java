package io.fathom.cluster;

import io.fathom.config.TrainConfig;
import io.fathom.config.TrainConfig.InnerMoments;
import io.fathom.config.UserError;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * The memory of a run's JVMs, in bytes. With V = 4 bytes a parameter, f {@code spark.memory.fraction}, the part of a
 * heap that Spark fills with broadcasts before it sends them to disk, u vectors on the way (3 where moments are
 * averaged, else 1), o vectors of outer momentum before and after a step (2, or 0 where there is none), c tasks at
 * once, and s = 40 MiB, or 4 (8 + N) bytes a parameter where that is less, for the slices that a task has in hand:
 *
 * <ul>
 *   <li>driver: 400 MiB + 1.5 (3 u + o) V / (1 - f): the state before the round, the means as bytes, the state after
 *       it, and what a collector loses around arrays that it cannot move;
 *   <li>executor: 400 MiB + c s / (1 - f), however large the model is;
 *   <li>local mode: both, with one 400 MiB.
 * </ul>
 *
 * <p>Outside the heap, on processors: 2 V and the step's activations for each of c sessions, and 2 V for the moments of
 * each worker that an executor trains. In local mode also u V for what each worker gives, as {@link Handover}, in whole
 * chunks, up to half of the heap's limit.
 *
 * @param outside what engines take beside an executor's heap
 */
record HeapNeeds(long driver, long executor, long local, long outside) {
    private static final long BASE = 400L << 20;
    private static final long TASK = 40L << 20;
    /** What a collector loses around arrays that it cannot move. */
    private static final double WASTE = 1.5;

    /**
     * The needs of a run.
     *
     * @param size floats of a vector
     * @param activations floats of a session beside its vectors
     * @param slots tasks that an executor runs at once
     * @param executors among which workers are dealt
     * @param fraction of a heap that Spark fills
     */
    static HeapNeeds of(long size, long activations, TrainConfig config, int slots, int executors, double fraction) {
        InnerMoments kind = config.adamw().moments();
        long sent = kind == InnerMoments.AVERAGE ? 3 : 1;
        long outer = config.outer().kind() == TrainConfig.OuterConfig.Kind.NESTEROV ? 2 : 0;
        long vector = Float.BYTES * size;
        long state = (long) (WASTE * (3 * sent + outer) * vector);
        long tasks = slots * Math.min(TASK, (8 + config.workers()) * vector);
        int here = (config.workers() + executors - 1) / executors;
        long sessions = Math.min(slots, here) * (2 * vector + Float.BYTES * activations);
        long moments = 2 * vector * (kind == InnerMoments.LOCAL ? here : Math.min(slots, here));
        return new HeapNeeds(
                BASE + (long) (state / (1 - fraction)),
                BASE + (long) (tasks / (1 - fraction)),
                BASE + (long) ((state + tasks) / (1 - fraction)),
                sessions + moments);
    }

    /** Bytes of {@link Handover} at most; a JVM allows as much direct memory as heap, and others want some of it. */
    static long handover() {
        return Runtime.getRuntime().maxMemory() / 2;
    }

    /** Throws {@link UserError} when a JVM of {@code spark} is too small for vectors of {@code size} floats. */
    static void check(JavaSparkContext spark, long size, long activations, TrainConfig config) {
        SparkConf conf = spark.getConf();
        long here = Runtime.getRuntime().maxMemory();
        double fraction = conf.getDouble("spark.memory.fraction", 0.6);
        if (spark.isLocal()) {
            HeapNeeds needs = of(size, activations, config, spark.defaultParallelism(), 1, fraction);
            require("the driver's memory", here, needs.local(), size, "--driver-memory");
            return;
        }
        int slots = Math.max(1, conf.getInt("spark.executor.cores", 1) / conf.getInt("spark.task.cpus", 1));
        int executors = conf.getInt("spark.executor.instances", config.workers());
        HeapNeeds needs = of(size, activations, config, slots, executors, fraction);
        require("the driver's memory", here, needs.driver(), size, "--driver-memory");
        long heap = conf.getSizeAsMb("spark.executor.memory", "1g") << 20;
        require("spark.executor.memory", heap, needs.executor(), size, "--executor-memory");
        String master = conf.get("spark.master");
        if ((master.startsWith("yarn") || master.startsWith("k8s"))
                && !conf.contains("spark.executor.resource.gpu.amount")) {
            needs.requireOverhead(conf, heap, size);
        }
    }

    private static void require(String what, long found, long needed, long size, String flag) {
        if (found < needed) {
            throw new UserError(String.format(
                    "%s is %d MiB: rounds of %,d parameters need at least %d MiB of heap there; give %s %dm or more",
                    what, found >> 20, size, needed >> 20, flag, (needed + (needed >> 3)) >> 20));
        }
    }

    /**
     * Throws {@link UserError} when a container is given too little beside its heap. YARN and Kubernetes kill one that
     * takes more; elsewhere nothing is known of a machine's memory.
     */
    void requireOverhead(SparkConf conf, long heap, long size) {
        double factor = conf.getDouble("spark.executor.memoryOverheadFactor", 0.1);
        long given = Math.max(384, (long) (factor * heap) >> 20);
        long found = conf.getSizeAsMb("spark.executor.memoryOverhead", given + "m") << 20;
        // What Spark gives when nobody asks is what a JVM itself needs.
        long needed = outside + (384L << 20);
        if (found < needed) {
            throw new UserError(String.format(
                    "spark.executor.memoryOverhead is %d MiB: training %,d parameters takes %d MiB outside of an executor's"
                            + " heap; give --conf spark.executor.memoryOverhead=%dm or more",
                    found >> 20, size, needed >> 20, (needed + (needed >> 3)) >> 20));
        }
    }
}
