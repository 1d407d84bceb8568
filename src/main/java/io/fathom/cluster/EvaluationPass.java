package io.fathom.cluster;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import io.fathom.corpus.Corpus;
import io.fathom.corpus.TokenSplit;
import io.fathom.decode.Decoder;
import io.fathom.decode.Readers;
import io.fathom.decode.evaluation.EvaluationFold;
import io.fathom.decode.evaluation.Mode;
import io.fathom.decode.evaluation.Thresholds;
import io.fathom.engine.Engine;
import io.fathom.engine.Precision;
import io.fathom.engine.SessionOptions;
import io.fathom.engine.TokenReader;
import io.fathom.model.ModelSpec;
import io.fathom.routing.RoutingTrace;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/**
 * Scores a checkpoint on the first sequences of the validation split under every mode, as one Spark job: top-k on the
 * engine, the causal modes by decoding. The numbers are the same on one executor or on fifty.
 */
public final class EvaluationPass {
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
        if (Mode.causal(spec).isEmpty()) {
            return new Thresholds(checkpoint.round(), Map.of());
        }
        long there = train.windows(spec.context());
        long wanted = Math.max(LEAST_CALIBRATION_WINDOWS, config.evaluation().calibrationTokens() / spec.context());
        long count = Math.min(there, wanted);
        List<int[]> windows = LongStream.range(0, count)
                .mapToObj(i -> train.read(i * there / count * spec.context(), spec.context()))
                .toList();
        spark.setJobDescription("calibration of round " + checkpoint.round() + ": " + count + " sequences");
        Broadcast<float[]> parameters = spark.broadcast(checkpoint.parameters());
        try {
            Calibration task = new Calibration(
                    checkpoint.round(),
                    spec,
                    EngineSource.named(config.engine().name()),
                    TaskDevice.of(config.local()),
                    Precision.named(config.engine().precision()),
                    parameters);
            byte[] found = spark.parallelize(List.<int[][]>of(windows.toArray(new int[0][])), 1)
                    .map(task::of)
                    .first();
            return Wire.of(found, Thresholds.class);
        } finally {
            parameters.destroy();
            spark.setJobDescription(null);
        }
    }

    /** Scores. */
    public EvaluationFold run(Thresholds thresholds) {
        ModelSpec spec = checkpoint.spec();
        EvaluationFold fold = new EvaluationFold(spec);
        new RangedPass<EvaluationFold>(spark, config, checkpoint, validation, 1)
                .run(
                        "evaluation",
                        config.evaluation().sequences(),
                        EvaluationFold.class,
                        (parameters, engine, options) -> {
                            EvaluationFold part = new EvaluationFold(spec);
                            // A model that routes by chance has no router to read tokens by.
                            if (Mode.causal(spec).isEmpty()) {
                                return new Scoring(part, Map.of(), Optional.empty());
                            }
                            TokenReader reader = Readers.on(engine, spec, parameters, options);
                            return new Scoring(part, EvaluationFold.decoders(reader, thresholds), Optional.of(reader));
                        })
                .forEach(fold::merge);
        return fold;
    }

    /** Folds what top-k did, and scores the causal modes by decoding. */
    private record Scoring(EvaluationFold fold, Map<Mode, Decoder> decoders, Optional<TokenReader> reader)
            implements RangedPass.Folding<EvaluationFold> {
        @Override
        public void add(RoutingTrace trace, int[] window) {
            fold.add(trace);
            fold.add(decoders, window);
        }

        @Override
        public void close() {
            reader.ifPresent(TokenReader::close);
        }
    }

    /** The task that calibrates: one, since a block's threshold follows from the routes of all tokens before it. */
    private record Calibration(
            int round,
            ModelSpec spec,
            EngineSource source,
            TaskDevice device,
            Precision precision,
            Broadcast<float[]> parameters)
            implements Serializable {
        byte[] of(int[][] windows) {
            Engine engine = source.engine();
            SessionOptions options = new SessionOptions(precision, 1, device.index(engine));
            try (TokenReader reader = Readers.on(engine, spec, parameters.value(), options)) {
                return Wire.bytes(Thresholds.calibrate(round, reader, List.of(windows)));
            }
        }
    }
}
