package io.fathom.cluster;

import io.fathom.cluster.FaultPlan.Fault;
import io.fathom.cluster.FaultPlan.Kind;
import io.fathom.cluster.FaultPlan.Place;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.util.ShutdownHookManager;
import org.apache.spark.api.java.JavaSparkContext;

/** A driver in a process of its own: {@code MASTER RUN PLAN_DIRECTORY RESUME FAULTS [KEY VALUE]...}. */
final class FaultyDriver {
    /** Hadoop runs hooks of higher priority first; Spark's is 40. */
    private static final int AFTER_SPARK = 20;

    private FaultyDriver() {}

    public static void main(String[] arguments) {
        CountDownLatch told = new CountDownLatch(1);
        ShutdownHookManager.get().addShutdownHook(() -> await(told), AFTER_SPARK);
        String[] settings = Arrays.copyOfRange(arguments, 5, arguments.length);
        List<Fault> faults = Arrays.stream(arguments[4].split(",", 0))
                .filter(text -> !text.isBlank())
                .map(FaultyDriver::fault)
                .toList();
        FaultPlan plan = new FaultPlan(arguments[2], faults);
        List<String> conf = new ArrayList<>(List.of(
                "spark.executor.extraClassPath",
                System.getProperty("java.class.path"),
                "spark.executor.extraJavaOptions",
                String.join(" ", Processes.opens()) + " -XX:TieredStopAtLevel=1",
                "spark.executor.memory",
                "512m",
                "spark.plugins",
                FathomPlugin.class.getName()));
        if (arguments[0].startsWith("local-cluster")) {
            // Two GPUs a machine, as the script finds them; local mode knows none.
            for (String who : List.of("worker", "executor")) {
                conf.addAll(List.of("spark." + who + ".resource.gpu.amount", "2"));
                conf.addAll(
                        List.of("spark." + who + ".resource.gpu.discoveryScript", System.getProperty("gpu.discovery")));
            }
            conf.addAll(List.of("spark.task.resource.gpu.amount", "1"));
        }
        try (JavaSparkContext spark = TinyRun.spark(arguments[0], conf.toArray(String[]::new))) {
            TinyRun.train(
                    spark,
                    TinyRun.config(settings),
                    Path.of(arguments[1]),
                    Boolean.parseBoolean(arguments[3]),
                    plan::applyTo,
                    plan.codec());
        } catch (StoppedException e) {
            System.out.println("STOPPED: " + e.getMessage());
            told.countDown();
            System.exit(5);
        }
        told.countDown();
        System.exit(0);
    }

    /** As the dispatcher of jobs does: after a signal the JVM ends with its hooks, not with its main thread. */
    private static void await(CountDownLatch told) {
        try {
            told.await(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Fault fault(String text) {
        String[] parts = text.split(":", 3);
        return new Fault(Place.valueOf(parts[0]), Integer.parseInt(parts[1]), Kind.valueOf(parts[2]));
    }
}
