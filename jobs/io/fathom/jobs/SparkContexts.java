package io.fathom.jobs;

import io.fathom.cluster.FathomPlugin;
import io.fathom.config.UserError;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import scala.Tuple2;

/** Starts Spark for a job: on the cluster that spark-submit chose, else on all cores of this machine. */
final class SparkContexts {
    /** What Spark asks of each JVM. */
    private static final long LEAST_HEAP = 450L << 20;

    private static final String SERVLET = "spark.metrics.conf.*.sink.prometheusServlet.";

    private static volatile boolean started;

    private SparkContexts() {}

    /** Whether this process has begun to start one. */
    static boolean started() {
        return started;
    }

    /** The context of one job; close it when the job ends. {@code job} is shown in the Spark UI. */
    static JavaSparkContext start(String job) {
        SparkConf conf = new SparkConf()
                .setIfMissing("spark.master", "local[*]")
                .setIfMissing("spark.app.name", "fathom " + job)
                // A retried copy would train the same worker twice at once.
                .setIfMissing("spark.speculation", "false")
                // The averaged model comes back to the driver: 1 GiB, the default, would cap its size.
                .setIfMissing("spark.driver.maxResultSize", "0")
                // Trained floats do not get smaller; trying costs more than the copy itself.
                .setIfMissing("spark.shuffle.compress", "false")
                .setIfMissing("spark.broadcast.compress", "false")
                // Slices of a round in one pass to one file, instead of a file a slice and a second copy.
                .setIfMissing("spark.shuffle.sort.bypassMergeThreshold", "0")
                // It only tells where a block broke that did not unpack; nothing is packed, so nobody would look.
                .setIfMissing("spark.shuffle.checksum.enabled", "false")
                // Every worker compares a checksum of our own.
                .setIfMissing("spark.broadcast.checksum", "false")
                // A worker that is trained elsewhere is trained again from the last checkpoint: waiting is cheaper.
                .setIfMissing("spark.locality.wait.process", "5m")
                // Means go straight to the driver; by way of the block manager they take three copies more.
                .setIfMissing("spark.task.maxDirectResultSize", "32m")
                // Gauges of training in Spark's metrics; gives the executors' memory back when they end.
                .setIfMissing("spark.plugins", FathomPlugin.class.getName())
                // Those gauges on the page of the Spark UI, for Prometheus to fetch, as Spark 4 has it from the start.
                .setIfMissing(SERVLET + "class", "org.apache.spark.metrics.sink.PrometheusServlet")
                .setIfMissing(SERVLET + "path", "/metrics/prometheus");
        // One thread for each worker's step: two pools of threads that spin against each other cost up to 15 times.
        conf.setIfMissing("spark.executorEnv.OMP_NUM_THREADS", "1")
                .setIfMissing("spark.executorEnv.OPENBLAS_NUM_THREADS", "1")
                // JavaCPP would count the whole executor against its own limit and refuse innocent allocations.
                .setIfMissing(
                        "spark.executor.defaultJavaOptions",
                        "-Dorg.bytedeco.javacpp.maxbytes=0 -Dorg.bytedeco.javacpp.maxphysicalbytes=0"
                                // G1 marks the whole heap again and again where 4 MiB, a block of a broadcast, are more
                                // than half a region: a quarter of a round's processor time with a heap of 1 GiB.
                                + " -XX:G1HeapRegionSize=16m");
        if (conf.get("spark.master").startsWith("local")) {
            conf.setIfMissing("spark.ui.enabled", "false")
                    .setIfMissing("spark.driver.host", "localhost")
                    // A task that finds no memory fails its job, which says so; Spark would end this whole JVM.
                    .setIfMissing("spark.executor.killOnFatalError.depth", "0");
        }
        if (conf.getBoolean("spark.authenticate", false)) {
            // A standalone worker hands the secret to the driver it starts like this, and Spark forgets to look.
            Optional.ofNullable(System.getenv("_SPARK_AUTH_SECRET"))
                    .ifPresent(secret -> conf.setIfMissing("spark.authenticate.secret", secret));
        }
        requireHeap("the driver's memory", Runtime.getRuntime().maxMemory(), "--driver-memory");
        if (!conf.get("spark.master").startsWith("local") && conf.contains("spark.executor.memory")) {
            requireHeap("spark.executor.memory", conf.getSizeAsMb("spark.executor.memory") << 20, "--executor-memory");
        }
        StandaloneMasters.requireOne(conf.get("spark.master"));
        started = true;
        return new JavaSparkContext(conf);
    }

    /** Spark's own words for this name no unit and go on for lines. */
    static void requireHeap(String what, long found, String flag) {
        if (found < LEAST_HEAP) {
            throw new UserError(String.format(
                    "%s is %d MiB: Spark needs at least %d MiB of heap; give %s 512m or more",
                    what, found >> 20, LEAST_HEAP >> 20, flag));
        }
    }

    /** Hadoop's settings with those of {@code spark.hadoop.*}, for reading paths before Spark has started. */
    static Configuration hadoop(SparkConf spark) {
        Configuration hadoop = new Configuration();
        for (Tuple2<String, String> each : spark.getAllWithPrefix("spark.hadoop.")) {
            hadoop.set(each._1(), each._2());
        }
        return hadoop;
    }
}
