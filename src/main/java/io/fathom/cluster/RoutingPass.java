package io.fathom.cluster;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import io.fathom.corpus.TokenSplit;
import io.fathom.corpus.Tokenizer;
import io.fathom.engine.Engine;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.model.ModelSpec;
import io.fathom.program.Program;
import io.fathom.program.Programs;
import io.fathom.routing.FlopFigures;
import io.fathom.routing.RoutingFold;
import io.fathom.routing.RoutingTrace;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.LongStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/**
 * Runs a checkpoint's model over the first sequences of the validation split and folds what its routers did, as one
 * Spark job.
 *
 * <p>The sequences are cut into parts whose number depends on how many there are alone, and the parts' folds are merged
 * in their order: the numbers are the same on one executor or on fifty.
 */
public final class RoutingPass {
    /** At most this many tasks, so that the folds sent back stay few. */
    private static final long MOST_PARTS = 64;

    /** Batches of a task at least, so that compiling the program pays. */
    private static final long LEAST_BATCHES = 4;

    /** Text kept for reading, in tokens. */
    private static final int EXCERPT_TOKENS = 1024;

    private final JavaSparkContext spark;
    private final RunConfig config;
    private final Checkpoint checkpoint;
    private final TokenSplit split;

    /** What a pass found. */
    public record Outcome(RoutingFold fold, FlopFigures figures, long asked) {}

    /**
     * A pass of {@code checkpoint} over {@code split}, made by {@code tokenizer}; throws {@link UserError} when the
     * model routes nothing, knows another vocabulary, or the split is shorter than one sequence.
     */
    public RoutingPass(
            JavaSparkContext spark, RunConfig config, Checkpoint checkpoint, Tokenizer tokenizer, TokenSplit split) {
        this.spark = spark;
        this.config = config;
        this.checkpoint = checkpoint;
        this.split = split;
        ModelSpec spec = checkpoint.spec();
        String name = config.run() + ", round " + checkpoint.round();
        if (spec.routedBlocks().isEmpty()) {
            throw new UserError(name + ": the model is dense, no block routes; measure a run that was trained with"
                    + " model.routing.kind = expert-choice");
        }
        if (tokenizer.vocabulary() != spec.vocabulary()) {
            throw new UserError(name + ": the model knows " + spec.vocabulary() + " tokens, " + split.name()
                    + " is of the tokenizer " + tokenizer.name() + " with " + tokenizer.vocabulary()
                    + "; set corpus.path to the corpus it was trained on");
        }
        if (split.windows(spec.context()) == 0) {
            throw new UserError(split.name() + " holds " + split.tokens() + " tokens, one sequence of the model needs "
                    + (spec.context() + 1) + "; add text or raise corpus.validationFraction");
        }
    }

    /** Measures. */
    public Outcome run() {
        ModelSpec spec = checkpoint.spec();
        long asked = config.routing().sequences();
        long sequences = Math.min(asked, split.windows(spec.context()));
        int batch = config.train().batch();
        long batches = (sequences + batch - 1) / batch;
        int parts = (int) Math.max(1, Math.min(MOST_PARTS, batches / LEAST_BATCHES));
        spark.setJobDescription("routing of round " + checkpoint.round() + ": " + sequences + " sequences");
        Broadcast<float[]> parameters = spark.broadcast(checkpoint.parameters());
        try {
            Part part = new Part(
                    spec,
                    split,
                    EngineSource.named(config.engine().name()),
                    TaskDevice.of(config.local()),
                    config.engine().precision(),
                    config.engine().threads(),
                    batch,
                    config.routing().histogramBins(),
                    (EXCERPT_TOKENS + spec.context() - 1) / spec.context(),
                    parameters);
            List<Range> ranges = new ArrayList<>();
            for (int i = 0; i < parts; i++) {
                ranges.add(new Range(
                        Math.min(sequences, batches * i / parts * batch),
                        Math.min(sequences, batches * (i + 1) / parts * batch)));
            }
            RoutingFold fold = part.empty();
            for (byte[] folded :
                    spark.parallelize(ranges, parts).map(part::fold).collect()) {
                fold.merge(Part.read(folded));
            }
            double counted = (double) Programs.inference(spec, batch).flops() / batch;
            return new Outcome(fold, FlopFigures.of(spec, fold, counted), asked);
        } finally {
            parameters.destroy();
            spark.setJobDescription(null);
        }
    }

    /** Sequences {@code from} to {@code to}, exclusive. */
    private record Range(long from, long to) implements Serializable {}

    /** The work of a task. */
    private record Part(
            ModelSpec spec,
            TokenSplit split,
            EngineSource engine,
            TaskDevice device,
            String precision,
            int threads,
            int batch,
            int bins,
            int excerpt,
            Broadcast<float[]> parameters)
            implements Serializable {

        RoutingFold empty() {
            return new RoutingFold(spec, bins, excerpt);
        }

        /** Folds a range; the last batch may be a short one. Serialised, since only plain arrays travel well. */
        byte[] fold(Range range) {
            RoutingFold fold = empty();
            long whole = range.from() + (range.to() - range.from()) / batch * batch;
            fold(fold, range.from(), whole, batch);
            fold(fold, whole, range.to(), (int) (range.to() - whole));
            return written(fold);
        }

        private void fold(RoutingFold fold, long from, long to, int sequences) {
            if (from == to) {
                return;
            }
            Program program = Programs.inference(spec, sequences);
            Engine runner = engine.engine();
            SessionOptions options = new SessionOptions(
                    Precision.valueOf(precision.toUpperCase(Locale.ROOT)), threads, device.index(runner));
            try (Session session = runner.open(program, options)) {
                session.write(Session.Vector.PARAMETERS, parameters.value());
                for (long first = from; first < to; first += sequences) {
                    int[][] windows = LongStream.range(first, first + sequences)
                            .mapToObj(index -> split.window(index, spec.context()))
                            .toArray(int[][]::new);
                    Batch scored = Batch.ofWindows(windows);
                    session.run(scored);
                    RoutingTrace.of(spec, scored, session::output).forEach(fold::add);
                }
            }
        }

        private static byte[] written(RoutingFold fold) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
                out.writeObject(fold);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return bytes.toByteArray();
        }

        static RoutingFold read(byte[] written) {
            try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(written))) {
                return (RoutingFold) in.readObject();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (ClassNotFoundException e) {
                throw new IllegalStateException("executors run other classes than the driver", e);
            }
        }
    }
}
