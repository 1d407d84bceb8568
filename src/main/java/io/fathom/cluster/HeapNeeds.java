package io.fathom.cluster;

import io.fathom.config.TrainConfig;
import io.fathom.config.TrainConfig.InnerMoments;
import io.fathom.config.UserError;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * A lower bound of the heap of a run's JVMs, in bytes: 400 MiB and U V / (1 - f), where V = 4 bytes a parameter, f is
 * {@code spark.memory.fraction}, the part of a heap that Spark fills with broadcasts and cached workers before it sends
 * them to disk, and U counts the vectors beside those. With u vectors on the way (3 where moments are averaged, else
 * 1), m moments that a worker keeps (2, or 0 where they are averaged or reset), o vectors of outer momentum before and
 * after a step (2, or 0 where there is none) and c workers that train at once:
 *
 * <ul>
 *   <li>driver: U = 3 u + 1 + o: the state before the round, the means as bytes and as floats, the next parameters;
 *   <li>executor: U = c (m + u): what each of its workers comes to and gives;
 *   <li>local mode: the larger of the driver's and u + o + c (m + u), since means are collected when training is over.
 * </ul>
 *
 * <p>With less a run fails sooner or later; with as much it may still, where workers that were sent to disk are read
 * back. Nothing goes to disk where the heap has room for 2 V more for each cached worker and each round since the last
 * checkpoint. Engines take their memory outside the heap: 4 V and the step's activations a session.
 */
record HeapNeeds(long driver, long executor, long local) {
    private static final long BASE = 400L << 20;

    /**
     * @param size floats of a vector
     * @param slots workers that an executor trains at once
     * @param fraction of a heap that Spark fills
     */
    static HeapNeeds of(long size, TrainConfig config, int slots, double fraction) {
        InnerMoments kind = config.adamw().moments();
        long sent = kind == InnerMoments.AVERAGE ? 3 : 1;
        long kept = kind == InnerMoments.LOCAL ? 2 : 0;
        long outer = config.outer().kind() == TrainConfig.OuterConfig.Kind.NESTEROV ? 2 : 0;
        long collecting = 3 * sent + 1 + outer;
        long training = Math.min(slots, config.workers()) * (kept + sent);
        double vector = Float.BYTES * size / (1 - fraction);
        return new HeapNeeds(
                BASE + (long) (vector * collecting),
                BASE + (long) (vector * training),
                BASE + (long) (vector * Math.max(collecting, sent + outer + training)));
    }

    /** Throws {@link UserError} when a JVM of {@code spark} is too small for vectors of {@code size} floats. */
    static void check(JavaSparkContext spark, long size, TrainConfig config) {
        SparkConf conf = spark.getConf();
        long here = Runtime.getRuntime().maxMemory();
        double fraction = conf.getDouble("spark.memory.fraction", 0.6);
        if (spark.isLocal()) {
            HeapNeeds needs = of(size, config, spark.defaultParallelism(), fraction);
            require("the driver's memory", here, needs.local(), size, "--driver-memory");
            return;
        }
        HeapNeeds needs = of(size, config, conf.getInt("spark.executor.cores", 1), fraction);
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
