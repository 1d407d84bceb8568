package io.fathom.cluster;

import io.fathom.average.Outer;
import io.fathom.average.OuterStep;
import io.fathom.average.SliceCodec;
import io.fathom.average.Slices;
import io.fathom.config.RunConfig;
import io.fathom.config.TrainConfig;
import io.fathom.model.ParameterLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/**
 * What a round costs beside its steps: rounds of workers whose step is free, beside {@code treeAggregate} of the same
 * vectors, beside the bytes of a round over a loopback socket and beside the least {@link MemoryTraffic}. Contenders
 * take turns; the first turn, and the first round of each, do not count. Arguments: {@code MASTER WORKERS ROUNDS WIDTH
 * BLOCKS CONTENDERS}, with the rounds of a turn and contenders of {@code fp32}, {@code bf16}, {@code int8} and
 * {@code tree}, separated by commas.
 */
final class RoundsBenchmark {
    private static final int TURNS = Integer.getInteger("turns", 3);

    private final JavaSparkContext spark;
    private final int workers;
    private final int executors;
    private final int rounds;
    private final RunConfig config;
    private final ParameterLayout layout;
    private final StageTimes stages = new StageTimes();

    private RoundsBenchmark(JavaSparkContext spark, int executors, int workers, int rounds, int width, int blocks) {
        this.spark = spark;
        spark.sc().addSparkListener(stages);
        this.executors = executors;
        this.workers = workers;
        this.rounds = rounds;
        this.config = TinyRun.config(
                "train.workers", Integer.toString(workers),
                "model.width", Integer.toString(width),
                "model.blocks", Integer.toString(blocks),
                "train.batch", "1");
        this.layout = ParameterLayout.of(TinyRun.spec(config));
    }

    public static void main(String[] arguments) throws IOException {
        String master = arguments[0];
        int[] numbers = Arrays.stream(arguments)
                .skip(1)
                .limit(4)
                .mapToInt(Integer::parseInt)
                .toArray();
        // What the jobs set.
        List<String> conf = new ArrayList<>(List.of(
                "spark.driver.maxResultSize", System.getProperty("maxResultSize", "0"),
                "spark.shuffle.compress", "false",
                "spark.broadcast.compress", "false",
                "spark.shuffle.sort.bypassMergeThreshold", "0",
                "spark.shuffle.checksum.enabled", "false",
                "spark.broadcast.checksum", "false",
                "spark.locality.wait.process", "5m",
                "spark.task.maxDirectResultSize", "32m",
                "spark.plugins", System.getProperty("plugins", FathomPlugin.class.getName())));
        int executors = 1;
        if (master.startsWith("local-cluster")) {
            int[] sizes = Arrays.stream(master.replaceAll("[^0-9,]", "").split(",", 0))
                    .mapToInt(Integer::parseInt)
                    .toArray();
            executors = sizes[0];
            prepareHome(Path.of(System.getenv("SPARK_HOME")));
            conf.addAll(List.of(
                    "spark.executor.extraClassPath", System.getProperty("java.class.path"),
                    "spark.executor.extraJavaOptions", String.join(" ", Processes.opens()),
                    "spark.executor.defaultJavaOptions",
                            System.getProperty("executorOptions", "-XX:G1HeapRegionSize=16m"),
                    "spark.executor.memory", sizes[2] + "m"));
        }
        try (JavaSparkContext spark = TinyRun.spark(master, conf.toArray(String[]::new))) {
            new RoundsBenchmark(spark, executors, numbers[0], numbers[1], numbers[2], numbers[3])
                    .run(List.of(arguments[5].split(",", 0)));
        }
        System.exit(0);
    }

    /** Makes {@code home} what {@code local-cluster} asks of an installation. */
    private static void prepareHome(Path home) throws IOException {
        if (Files.exists(home)) {
            return;
        }
        Path jars = Files.createDirectories(home.resolve("jars"));
        Files.writeString(home.resolve("RELEASE"), "from the build's jars\n");
        for (String entry : System.getProperty("java.class.path").split(":", 0)) {
            if (entry.endsWith(".jar")) {
                Path jar = Path.of(entry);
                Files.createSymbolicLink(jars.resolve(jar.getFileName()), jar);
            }
        }
    }

    private void run(List<String> contenders) throws IOException {
        System.out.printf(
                Locale.ROOT,
                "%,d parameters, %d workers, %s; least heap: %s bytes%n",
                layout.parameterCount(),
                workers,
                spark.master(),
                HeapNeeds.of(
                        layout.size(),
                        0,
                        config.train(),
                        Math.max(1, spark.defaultParallelism() / executors),
                        executors,
                        0.6));
        Map<String, List<Double>> seconds = new LinkedHashMap<>();
        Map<String, Double> processor = new LinkedHashMap<>();
        List<Double> floor = new ArrayList<>();
        List<Double> traffic = new ArrayList<>();
        // The first turn is for the compiler and the page tables.
        for (int turn = 0; turn < TURNS; turn++) {
            floor.addAll(Loopback.seconds(floorBytes(), 3));
            traffic.addAll(MemoryTraffic.seconds(4L * layout.size() * MemoryTraffic.vectors(workers), 5));
            for (String contender : contenders) {
                double before = processorSeconds();
                List<Double> taken = contender.equals("tree")
                        ? treeAggregate()
                        : rounds(TrainConfig.Encoding.valueOf(contender.toUpperCase(Locale.ROOT)));
                if (turn > 0) {
                    seconds.computeIfAbsent(contender, name -> new ArrayList<>())
                            .addAll(taken);
                    processor.merge(contender, (processorSeconds() - before) / rounds / (TURNS - 1), Double::sum);
                }
                if (turn == TURNS - 1) {
                    System.out.print(contender + ", its last stages:\n" + stages.last(2));
                }
            }
        }
        double least = report("loopback", floor, 0);
        report("memory", traffic, least);
        seconds.forEach((contender, taken) -> report(contender, taken, least));
        processor.forEach((contender, used) ->
                System.out.printf(Locale.ROOT, "%-10s %.0f ms of processors a round%n", contender, 1000 * used));
    }

    /** What this process and its executors have used. */
    private static double processorSeconds() {
        return Stream.concat(
                        Stream.of(ProcessHandle.current()),
                        ProcessHandle.current().descendants())
                .flatMap(process -> process.info().totalCpuDuration().stream())
                .mapToDouble(used -> used.toNanos() / 1e9)
                .sum();
    }

    /**
     * Bytes of an fp32 round that must go from one JVM to another: of every worker's parameters what other executors
     * sum, the means to the driver, and the parameters to each executor. In local mode, where nothing must, those of a
     * machine that has every worker in a JVM of its own but sends the parameters once.
     */
    private long floorBytes() {
        long vector = 4L * layout.size();
        return executors == 1
                ? vector * (workers + 2)
                : vector * workers * (executors - 1) / executors + vector * (1 + executors);
    }

    private List<Double> rounds(TrainConfig.Encoding encoding) {
        WorkerTools tools = TinyRun.tools(config).withEngine(FreeEngine::new);
        SliceCodec codec = TrainingRun.codec(tools.spec(), encoding);
        Outer outer = new Outer.Average();
        Slices slices = new Slices(layout.size(), Rounds.SLICE_FLOATS);
        float[] theta = layout.initial(tools.spec(), 1);
        List<Double> seconds = new ArrayList<>();
        try (Rounds running = new Rounds(spark, tools, slices, codec, new WorkerSource.Fresh())) {
            for (int round = 0; round < rounds; round++) {
                long started = System.nanoTime();
                OuterStep step = new OuterStep(outer, theta, Optional.empty(), slices, codec.relative());
                running.run(tools.spec(), theta, Optional.empty(), 1, 1e9, step);
                theta = step.step().parameters();
                seconds.add((System.nanoTime() - started) / 1e9);
                if (round % 5 == 4) {
                    running.startFrom(new WorkerSource.Fresh());
                }
            }
        }
        return seconds.subList(1, seconds.size());
    }

    /** Classic averaging as it is often written on Spark: whole vectors, summed in a tree, broadcast down. */
    private List<Double> treeAggregate() {
        float[] theta = layout.initial(TinyRun.spec(config), 1);
        List<Double> seconds = new ArrayList<>();
        List<Integer> ids = IntStream.range(0, workers).boxed().toList();
        for (int round = 0; round < rounds; round++) {
            long started = System.nanoTime();
            Broadcast<float[]> sent = spark.broadcast(theta);
            float[] sum = spark.parallelize(ids, workers)
                    .map(id -> sent.value().clone())
                    .treeAggregate(new float[0], RoundsBenchmark::add, RoundsBenchmark::add, 2);
            for (int i = 0; i < sum.length; i++) {
                sum[i] /= workers;
            }
            theta = sum;
            sent.destroy();
            seconds.add((System.nanoTime() - started) / 1e9);
        }
        return seconds.subList(1, seconds.size());
    }

    private static float[] add(float[] a, float[] b) {
        if (a.length == 0) {
            return b;
        }
        for (int i = 0; i < b.length; i++) {
            a[i] += b[i];
        }
        return a;
    }

    /** Prints and returns the median; {@code floor} is that of the loopback, where it is known. */
    private static double report(String what, List<Double> seconds, double floor) {
        double[] sorted =
                seconds.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        double median = sorted[sorted.length / 2];
        System.out.printf(
                Locale.ROOT,
                "%-10s median %.1f ms, least %.1f ms, most %.1f ms of %d%s%n",
                what,
                1000 * median,
                1000 * sorted[0],
                1000 * sorted[sorted.length - 1],
                sorted.length,
                floor == 0 ? "" : String.format(Locale.ROOT, ", %.2f of the loopback", median / floor));
        return median;
    }
}
