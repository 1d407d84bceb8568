package io.fathom.cluster;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.config.RunConfig;
import io.fathom.corpus.TokenSplit;
import io.fathom.engine.Engine;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.model.ModelSpec;
import io.fathom.program.Programs;
import io.fathom.routing.RoutingTrace;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/**
 * Runs a checkpoint's model over the first sequences of a split and folds what it gives, as one Spark job.
 *
 * <p>The sequences are cut into parts whose number depends on how many there are alone, and the folds come back in
 * their order: merged so, the numbers are the same on one executor or on fifty. Ranges travel as longs and folds as
 * bytes, so that any {@code spark.serializer} will do.
 *
 * @param <F> what a part of the sequences is folded to
 */
final class RangedPass<F extends Serializable> {
    /** At most this many tasks, so that the folds sent back stay few. */
    private static final long MOST_PARTS = 64;

    /** What a task does with its sequences, in order. */
    interface Folding<F> extends AutoCloseable {
        /** Takes the next one: the trace of the engine's pass and its S + 1 tokens. */
        void add(RoutingTrace trace, int[] window);

        /** The fold of all that were taken. */
        F fold();

        /** Gives back what it took to fold. */
        @Override
        default void close() {}
    }

    /** Begins the folding of a task with the model's parameters, on the engine that the task computes on. */
    @FunctionalInterface
    interface Beginning<F> extends Serializable {
        Folding<F> begin(float[] parameters, Engine engine, SessionOptions options);
    }

    private final JavaSparkContext spark;
    private final RunConfig config;
    private final Checkpoint checkpoint;
    private final TokenSplit split;
    private final long leastBatches;

    /** @param leastBatches batches of a task at least, where there are as many */
    RangedPass(JavaSparkContext spark, RunConfig config, Checkpoint checkpoint, TokenSplit split, long leastBatches) {
        this.spark = spark;
        this.config = config;
        this.checkpoint = checkpoint;
        this.split = split;
        this.leastBatches = leastBatches;
    }

    /** The folds of the first {@code asked} sequences, or of all where there are fewer, in order. */
    List<F> run(String description, long asked, Class<F> type, Beginning<F> beginning) {
        ModelSpec spec = checkpoint.spec();
        long sequences = Math.min(asked, split.windows(spec.context()));
        int batch = config.train().batch();
        long batches = (sequences + batch - 1) / batch;
        long parts = Math.max(1, Math.min(MOST_PARTS, batches / leastBatches));
        List<long[]> ranges = new ArrayList<>();
        for (long i = 0; i < parts; i++) {
            ranges.add(new long[] {
                Math.min(sequences, batches * i / parts * batch), Math.min(sequences, batches * (i + 1) / parts * batch)
            });
        }
        spark.setJobDescription(description + " of round " + checkpoint.round() + ": " + sequences + " sequences");
        Broadcast<float[]> parameters = spark.broadcast(checkpoint.parameters());
        try {
            Part<F> part = new Part<>(
                    spec,
                    split,
                    EngineSource.named(config.engine().name()),
                    TaskDevice.of(config.local()),
                    Precision.named(config.engine().precision()),
                    config.engine().threads(),
                    batch,
                    beginning,
                    parameters);
            return spark.parallelize(ranges, ranges.size()).map(part::fold).collect().stream()
                    .map(folded -> Wire.of(folded, type))
                    .toList();
        } finally {
            parameters.destroy();
            spark.setJobDescription(null);
        }
    }

    /** The work of a task. */
    private record Part<F extends Serializable>(
            ModelSpec spec,
            TokenSplit split,
            EngineSource engine,
            TaskDevice device,
            Precision precision,
            int threads,
            int batch,
            Beginning<F> beginning,
            Broadcast<float[]> parameters)
            implements Serializable {

        /** Folds sequences {@code range[0]} to {@code range[1]}, exclusive; the last batch may be a short one. */
        byte[] fold(long[] range) {
            Engine runner = engine.engine();
            SessionOptions options = new SessionOptions(precision, threads, device.index(runner));
            try (Folding<F> folding = beginning.begin(parameters.value(), runner, options)) {
                long whole = range[0] + (range[1] - range[0]) / batch * batch;
                fold(folding, runner, options, range[0], whole, batch);
                fold(folding, runner, options, whole, range[1], (int) (range[1] - whole));
                return Wire.bytes(folding.fold());
            }
        }

        /** Folds sequences {@code from} to {@code to} in batches of {@code sequences}, which divides them. */
        private void fold(
                Folding<F> folding, Engine runner, SessionOptions options, long from, long to, int sequences) {
            if (from == to) {
                return;
            }
            try (Session session = runner.open(Programs.inference(spec, sequences), options)) {
                session.write(Session.Vector.PARAMETERS, parameters.value());
                for (long first = from; first < to; first += sequences) {
                    int[][] windows = LongStream.range(first, first + sequences)
                            .mapToObj(index -> split.window(index, spec.context()))
                            .toArray(int[][]::new);
                    Batch scored = Batch.ofWindows(windows);
                    session.run(scored);
                    List<RoutingTrace> traces = RoutingTrace.of(spec, scored, session::output);
                    for (int b = 0; b < windows.length; b++) {
                        folding.add(traces.get(b), windows[b]);
                    }
                }
            }
        }
    }
}
