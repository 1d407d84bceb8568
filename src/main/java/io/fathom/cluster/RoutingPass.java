package io.fathom.cluster;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import io.fathom.corpus.TokenSplit;
import io.fathom.corpus.Tokenizer;
import io.fathom.model.ModelSpec;
import io.fathom.program.Programs;
import io.fathom.routing.FlopFigures;
import io.fathom.routing.RoutingFold;
import io.fathom.routing.RoutingTrace;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Runs a checkpoint's model over the first sequences of the validation split and folds what its routers did, as one
 * Spark job: the numbers are the same on one executor or on fifty.
 */
public final class RoutingPass {
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
        int batch = config.train().batch();
        int bins = config.routing().histogramBins();
        int excerpt = (EXCERPT_TOKENS + spec.context() - 1) / spec.context();
        RoutingFold fold = new RoutingFold(spec, bins, excerpt);
        new RangedPass<RoutingFold>(spark, config, checkpoint, split, LEAST_BATCHES)
                .run(
                        "routing",
                        asked,
                        RoutingFold.class,
                        (parameters, engine, options) -> new Tracing(new RoutingFold(spec, bins, excerpt)))
                .forEach(fold::merge);
        double counted = (double) Programs.inference(spec, batch).flops() / batch;
        return new Outcome(fold, FlopFigures.of(spec, fold, counted), asked);
    }

    /** Folds what top-k did. */
    private record Tracing(RoutingFold fold) implements RangedPass.Folding<RoutingFold> {
        @Override
        public void add(RoutingTrace trace, int[] window) {
            fold.add(trace);
        }
    }
}
