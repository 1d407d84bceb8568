package io.fathom.cluster;

import io.fathom.cluster.FaultPlan.Fault;
import io.fathom.cluster.FaultPlan.Kind;
import io.fathom.cluster.FaultPlan.Place;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * A driver in a process of its own: {@code MASTER RUN PLAN_DIRECTORY FAULTS PATTERN [KEY VALUE]...}, where the file
 * system that {@code faulty:} names kills it while it writes a file whose path matches PATTERN.
 */
final class FaultyDriver {
    private FaultyDriver() {}

    public static void main(String[] arguments) {
        String master = arguments[0];
        String[] settings = Arrays.copyOfRange(arguments, 5, arguments.length);
        List<Fault> faults = Arrays.stream(arguments[3].split(",", 0))
                .filter(text -> !text.isBlank())
                .map(FaultyDriver::fault)
                .toList();
        FaultPlan plan = new FaultPlan(arguments[2], faults);
        List<String> conf =
                new ArrayList<>(FaultyFileSystem.settings(Path.of(arguments[2], "file"), Kind.KILL, arguments[4]));
        conf.addAll(List.of("spark.plugins", FathomPlugin.class.getName()));
        if (master.startsWith("local-cluster")) {
            conf.addAll(executors());
            conf.addAll(gpus());
            conf.addAll(security());
        }
        try (JavaSparkContext spark = TinyRun.spark(master, conf.toArray(String[]::new))) {
            TinyRun.train(
                    spark,
                    TinyRun.config(settings),
                    arguments[1],
                    true,
                    plan::applyTo,
                    plan.codec(),
                    Progress.silent());
        }
        System.exit(0);
    }

    private static List<String> executors() {
        return List.of(
                "spark.executor.extraClassPath",
                System.getProperty("java.class.path"),
                "spark.executor.extraJavaOptions",
                String.join(" ", Processes.quick()),
                "spark.executor.memory",
                "512m");
    }

    /** Two GPUs a machine, as the script finds them; local mode knows none. */
    private static List<String> gpus() {
        List<String> conf = new ArrayList<>(List.of("spark.task.resource.gpu.amount", "1"));
        for (String who : List.of("worker", "executor")) {
            conf.addAll(List.of("spark." + who + ".resource.gpu.amount", "2"));
            conf.addAll(List.of("spark." + who + ".resource.gpu.discoveryScript", System.getProperty("gpu.discovery")));
        }
        return conf;
    }

    /** Every byte on Spark's own channels, encrypted; Kryo; executors that come and go as they are needed. */
    private static List<String> security() {
        return List.of(
                "spark.authenticate", "true",
                "spark.authenticate.secret", "of this test alone",
                "spark.network.crypto.enabled", "true",
                "spark.io.encryption.enabled", "true",
                "spark.serializer", "org.apache.spark.serializer.KryoSerializer",
                "spark.dynamicAllocation.enabled", "true",
                "spark.dynamicAllocation.shuffleTracking.enabled", "true",
                "spark.dynamicAllocation.initialExecutors", "2",
                "spark.dynamicAllocation.maxExecutors", "2");
    }

    private static Fault fault(String text) {
        String[] parts = text.split(":", 3);
        return new Fault(Place.valueOf(parts[0]), Integer.parseInt(parts[1]), Kind.valueOf(parts[2]));
    }
}
