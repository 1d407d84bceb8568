package io.fathom.cluster;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import io.fathom.corpus.Corpus;
import io.fathom.corpus.TokenSplit;
import io.fathom.decode.Decoder;
import io.fathom.decode.evaluation.EvaluationFold;
import io.fathom.decode.evaluation.Mode;
import io.fathom.decode.evaluation.Thresholds;
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
import java.util.Locale;
import java.util.Map;
import java.util.stream.LongStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/**
 * Scores a checkpoint on the first sequences of the validation split under every mode, as one Spark job: top-k on the
 * engine, the causal modes by decoding.
 *
 * <p>The sequences are cut into parts whose number depends on how many there are alone, and the parts' folds are merged
 * in their order: the numbers are the same on one executor or on fifty.
 */
public final class EvaluationPass {
    /** At most this many tasks, so that the folds sent back stay few. */
    private static final long MOST_PARTS = 64;

    private static final int LEAST_CALIBRATION_WINDOWS = 8;

    private final JavaSparkContext spark;
    private final RunConfig config;
    private final Checkpoint checkpoint;
    private final TokenSplit train;
    private final TokenSplit validation;

    /**
     * A pass of {@code checkpoint}.
     *
     * @param learnt the corpus it was trained on, to calibrate on
     * @param scored the corpus whose validation split is scored; may be the same
     * @throws UserError when the model knows another vocabulary or a split is shorter than one sequence
     */
    public EvaluationPass(
            JavaSparkContext spark, RunConfig config, Checkpoint checkpoint, Corpus learnt, Corpus scored) {
        this.spark = spark;
        this.config = config;
        this.checkpoint = checkpoint;
        this.train = learnt.train();
        this.validation = scored.validation();
        ModelSpec spec = checkpoint.spec();
        for (Corpus corpus : List.of(learnt, scored)) {
            if (corpus.tokenizer().vocabulary() != spec.vocabulary()) {
                throw new UserError(config.run() + ": the model knows " + spec.vocabulary() + " tokens, "
                        + corpus.path() + " is of the tokenizer "
                        + corpus.tokenizer().name() + " with "
                        + corpus.tokenizer().vocabulary() + "; name a corpus of the tokenizer it was trained with");
            }
        }
        for (TokenSplit split : List.of(train, validation)) {
            if (split.windows(spec.context()) == 0) {
                throw new UserError(split.name() + " holds " + split.tokens()
                        + " tokens, one sequence of the model needs " + (spec.context() + 1)
                        + "; add text or change corpus.validationFraction");
            }
        }
    }

    /** Thresholds that hold the capacity on sequences of the training split, spread evenly over it. */
    public Thresholds calibrate() {
        ModelSpec spec = checkpoint.spec();
        long there = train.windows(spec.context());
        long wanted = Math.max(LEAST_CALIBRATION_WINDOWS, config.evaluation().calibrationTokens() / spec.context());
        long count = Math.min(there, wanted);
        List<int[]> windows = LongStream.range(0, count)
                .mapToObj(i -> train.read(i * there / count * spec.context(), spec.context()))
                .toList();
        return Thresholds.calibrate(checkpoint.round(), spec, checkpoint.parameters(), windows);
    }

    /** Scores. */
    public EvaluationFold run(Thresholds thresholds) {
        ModelSpec spec = checkpoint.spec();
        int batch = config.train().batch();
        long sequences = Math.min(config.evaluation().sequences(), validation.windows(spec.context()));
        long batches = (sequences + batch - 1) / batch;
        long parts = Math.min(MOST_PARTS, batches);
        spark.setJobDescription("evaluation of round " + checkpoint.round() + ": " + sequences + " sequences");
        Broadcast<float[]> parameters = spark.broadcast(checkpoint.parameters());
        try {
            Part part = new Part(
                    spec,
                    validation,
                    EngineSource.named(config.engine().name()),
                    TaskDevice.of(config.local()),
                    Precision.valueOf(config.engine().precision().toUpperCase(Locale.ROOT)),
                    config.engine().threads(),
                    batch,
                    thresholds,
                    parameters);
            List<Range> ranges = new ArrayList<>();
            for (long i = 0; i < parts; i++) {
                long to = Math.min(sequences, batches * (i + 1) / parts * batch);
                ranges.add(new Range(batches * i / parts * batch, to));
            }
            EvaluationFold fold = new EvaluationFold(spec);
            for (byte[] folded :
                    spark.parallelize(ranges, ranges.size()).map(part::fold).collect()) {
                fold.merge(Wire.of(folded, EvaluationFold.class));
            }
            return fold;
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
            Precision precision,
            int threads,
            int batch,
            Thresholds thresholds,
            Broadcast<float[]> parameters)
            implements Serializable {

        byte[] fold(Range range) {
            EvaluationFold fold = new EvaluationFold(spec);
            Map<Mode, Decoder> decoders = EvaluationFold.decoders(spec, parameters.value(), thresholds);
            long whole = range.from() + (range.to() - range.from()) / batch * batch;
            fold(fold, decoders, range.from(), whole, batch);
            fold(fold, decoders, whole, range.to(), (int) (range.to() - whole));
            return Wire.bytes(fold);
        }

        /** Folds sequences {@code from} to {@code to} in batches of {@code sequences}, which divides them. */
        private void fold(EvaluationFold fold, Map<Mode, Decoder> decoders, long from, long to, int sequences) {
            if (from == to) {
                return;
            }
            Engine runner = engine.engine();
            SessionOptions options = new SessionOptions(precision, threads, device.index(runner));
            try (Session session = runner.open(Programs.inference(spec, sequences), options)) {
                session.write(Session.Vector.PARAMETERS, parameters.value());
                for (long first = from; first < to; first += sequences) {
                    int[][] windows = LongStream.range(first, first + sequences)
                            .mapToObj(index -> split.window(index, spec.context()))
                            .toArray(int[][]::new);
                    Batch scored = Batch.ofWindows(windows);
                    session.run(scored);
                    RoutingTrace.of(spec, scored, session::output).forEach(fold::add);
                    for (int[] window : windows) {
                        fold.add(decoders, window);
                    }
                }
            }
        }
    }
}
