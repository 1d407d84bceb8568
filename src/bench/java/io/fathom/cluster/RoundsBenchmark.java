package io.fathom.cluster;

import io.fathom.average.MeanOfWorkers;
import io.fathom.average.Outer;
import io.fathom.average.SliceCodec;
import io.fathom.average.Slices;
import io.fathom.config.RunConfig;
import io.fathom.config.TrainConfig;
import io.fathom.engine.AdamW;
import io.fathom.engine.Engine;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.model.ParameterLayout;
import io.fathom.program.Program;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/**
 * What a round costs beside its steps: rounds of workers whose step is free, beside {@code treeAggregate} of the same
 * vectors and beside the bytes of a round over a loopback socket. Arguments: {@code MASTER WORKERS ROUNDS WIDTH
 * BLOCKS}.
 */
final class RoundsBenchmark {
    private final JavaSparkContext spark;
    private final int workers;
    private final int rounds;
    private final RunConfig config;
    private final ParameterLayout layout;
    private final StageTimes stages = new StageTimes();

    private RoundsBenchmark(JavaSparkContext spark, int workers, int rounds, int width, int blocks) {
        this.spark = spark;
        spark.sc().addSparkListener(stages);
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
        int[] numbers =
                Arrays.stream(arguments).skip(1).mapToInt(Integer::parseInt).toArray();
        try (JavaSparkContext spark = TinyRun.spark(
                arguments[0],
                "spark.driver.maxResultSize",
                "0",
                "spark.shuffle.compress",
                "false",
                "spark.broadcast.compress",
                "false")) {
            new RoundsBenchmark(spark, numbers[0], numbers[1], numbers[2], numbers[3]).run();
        }
        System.exit(0);
    }

    private void run() throws IOException {
        System.out.printf(Locale.ROOT, "%,d parameters, %d workers%n", layout.parameterCount(), workers);
        loopback();
        for (TrainConfig.Encoding encoding : TrainConfig.Encoding.values()) {
            if (System.getenv("ENC") != null && !System.getenv("ENC").contains(encoding.name())) continue;
            rounds(encoding);
        }
        if (System.getenv("ENC") == null) treeAggregate();
    }

    private void rounds(TrainConfig.Encoding encoding) {
        WorkerTools tools = TinyRun.tools(config).withEngine(FreeEngine::new);
        SliceCodec codec = TrainingRun.codec(tools.spec(), encoding);
        Outer outer = new Outer.Average();
        float[] theta = layout.initial(tools.spec(), 1);
        List<Double> seconds = new ArrayList<>();
        long cpu0 = cpu();
        try (Rounds running = new Rounds(
                spark,
                tools,
                new Slices(layout.size(), Rounds.SLICE_FLOATS),
                codec,
                new WorkerSource.Fresh(layout.size()))) {
            for (int round = 0; round < rounds; round++) {
                long started = System.nanoTime();
                MeanOfWorkers mean = running.run(tools.spec(), theta, Optional.empty(), 1, 1e9)
                        .mean();
                theta = outer.step(theta, mean, Optional.empty()).parameters();
                seconds.add((System.nanoTime() - started) / 1e9);
                if (round % 5 == 4) {
                    running.startFrom(new WorkerSource.Fresh(layout.size()));
                }
            }
        }
        System.out.printf("cpu ms a round %.0f%n", (cpu() - cpu0) / 1e6 / rounds);
        report("rounds, " + encoding, seconds);
        System.out.print(stages.last(6));
    }

    /** Classic averaging as it is often written on Spark: whole vectors, summed in a tree, broadcast down. */
    private void treeAggregate() {
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
        report("treeAggregate, fp32", seconds);
        System.out.print(stages.last(4));
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

    /** Every worker's fp32 parameters up, their mean to the driver, and the parameters down, over one socket. */
    private void loopback() throws IOException {
        long bytes = 4L * layout.size() * (workers + 2);
        List<Double> seconds = new ArrayList<>();
        for (int round = 0; round < Math.min(rounds, 5); round++) {
            long started = System.nanoTime();
            try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                Thread sender = new Thread(() -> send(server.getLocalPort(), bytes));
                sender.start();
                byte[] buffer = new byte[1 << 17];
                try (Socket socket = server.accept();
                        InputStream in = socket.getInputStream()) {
                    while (in.read(buffer) >= 0) {
                        // only the time it takes counts
                    }
                }
            }
            seconds.add((System.nanoTime() - started) / 1e9);
        }
        report("loopback floor", seconds);
    }

    private static long cpu() {
        return ((com.sun.management.OperatingSystemMXBean)
                        java.lang.management.ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }

    private static void send(int port, long bytes) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
                OutputStream out = socket.getOutputStream()) {
            byte[] buffer = new byte[1 << 17];
            for (long left = bytes; left > 0; left -= buffer.length) {
                out.write(buffer, 0, (int) Math.min(left, buffer.length));
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void report(String what, List<Double> seconds) {
        List<Double> warm = seconds.subList(Math.min(seconds.size() - 1, seconds.size() / 3), seconds.size());
        double[] sorted =
                warm.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        System.out.printf(
                Locale.ROOT,
                "%-20s median %.1f ms, least %.1f ms, most %.1f ms of %d%n",
                what,
                1000 * sorted[sorted.length / 2],
                1000 * sorted[0],
                1000 * sorted[sorted.length - 1],
                sorted.length);
    }

    /** An engine whose step moves one parameter and costs nothing. */
    private static final class FreeEngine implements Engine {
        @Override
        public String name() {
            return "free";
        }

        @Override
        public String description() {
            return "does nothing";
        }

        @Override
        public Session open(Program program, SessionOptions options) {
            return new FreeSession(program, new float[4][program.layout().size()]);
        }
    }

    private record FreeSession(Program program, float[][] vectors) implements Session {
        @Override
        @SuppressWarnings("EnumOrdinal") // an index into this session's own array
        public void write(Vector vector, float[] values) {
            System.arraycopy(values, 0, vectors[vector.ordinal()], 0, values.length);
        }

        @Override
        @SuppressWarnings("EnumOrdinal") // as above
        public void read(Vector vector, float[] values) {
            System.arraycopy(vectors[vector.ordinal()], 0, values, 0, values.length);
        }

        @Override
        @SuppressWarnings("EnumOrdinal") // as above
        public void write(Vector vector, int from, float[] values, int count) {
            System.arraycopy(values, 0, vectors[vector.ordinal()], from, count);
        }

        @Override
        @SuppressWarnings("EnumOrdinal") // as above
        public void read(Vector vector, int from, float[] values, int count) {
            System.arraycopy(vectors[vector.ordinal()], from, values, 0, count);
        }

        @Override
        public void clearGradient() {}

        @Override
        public void run(Batch batch) {}

        @Override
        public double[] output(String name) {
            return new double[] {1};
        }

        @Override
        public double update(AdamW step) {
            vectors[0][0] += 1;
            return 1;
        }

        @Override
        public void close() {}
    }
}
