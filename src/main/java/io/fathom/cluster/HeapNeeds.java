package io.fathom.cluster;

import io.fathom.config.TrainConfig;
import io.fathom.config.TrainConfig.InnerMoments;
import io.fathom.config.UserError;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * The least heap of a run's JVMs, in bytes. With V = 4 bytes a parameter, u vectors on the way (3 where moments are
 * averaged, else 1) and m moments that a worker keeps (2, or 0 where they are averaged or reset):
 *
 * <ul>
 *   <li>driver: V (5 u + 1 + o): the state before the round, the means as bytes and as floats, the next parameters,
 *       what is broadcast twice; o = 2 where the outer optimizer has momentum, else 0;
 *   <li>executor: V (2 u + c (2 m + u)): what is broadcast twice and, for each of c workers that train at once, its
 *       moments before and after the round and what it gives;
 *   <li>local mode: both together, less the 2 u V that they share.
 * </ul>
 *
 * <p>Workers that do not train at the moment go to disk where the heap does not hold them: 2 V for each keeps them in
 * memory. Engines take their memory outside the heap: 4 V and the step's activations a session.
 */
record HeapNeeds(long driver, long executor, long local) {
    /** What Spark keeps for itself, and the JVM. */
    private static final long BASE = 400L << 20;

    /**
     * @param size floats of a vector
     * @param slots workers that an executor trains at once
     */
    static HeapNeeds of(long size, TrainConfig config, int slots) {
        long vector = Float.BYTES * size;
        InnerMoments kind = config.adamw().moments();
        long sent = kind == InnerMoments.AVERAGE ? 3 : 1;
        long kept = kind == InnerMoments.LOCAL ? 2 : 0;
        long outer = config.outer().kind() == TrainConfig.OuterConfig.Kind.NESTEROV ? 2 : 0;
        long driver = vector * (5 * sent + 1 + outer);
        long executor = vector * (2 * sent + Math.min(slots, config.workers()) * (2 * kept + sent));
        return new HeapNeeds(driver + BASE, executor + BASE, driver + executor - 2 * sent * vector + BASE);
    }

    /** Throws {@link UserError} when a JVM of {@code spark} is too small for vectors of {@code size} floats. */
    static void check(JavaSparkContext spark, long size, TrainConfig config) {
        SparkConf conf = spark.getConf();
        long here = Runtime.getRuntime().maxMemory();
        if (spark.isLocal()) {
            HeapNeeds needs = of(size, config, spark.defaultParallelism());
            require("the driver's memory", here, needs.local(), size, "--driver-memory");
            return;
        }
        HeapNeeds needs = of(size, config, conf.getInt("spark.executor.cores", 1));
        require("the driver's memory", here, needs.driver(), size, "--driver-memory");
        long executor = conf.getSizeAsMb("spark.executor.memory", "1g") << 20;
        require("spark.executor.memory", executor, needs.executor(), size, "--executor-memory");
    }

    private static void require(String what, long found, long needed, long size, String flag) {
        if (found < needed) {
            throw new UserError(String.format(
                    "%s is %d MiB: rounds of %,d parameters need at least %d MiB of heap there; give %s %dm or more",
                    what, found >> 20, size, needed >> 20, flag, (needed + (needed >> 3)) >> 20));
        }
    }
}
