package io.fathom.cluster;

import io.fathom.average.Outer;
import io.fathom.average.OuterStep;
import io.fathom.average.QuantisedChanges;
import io.fathom.average.SliceCodec;
import io.fathom.average.Slices;
import io.fathom.average.WholeFloats;
import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.OvertakenException;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.checkpoint.Start;
import io.fathom.checkpoint.TrainingProgress;
import io.fathom.config.RunConfig;
import io.fathom.config.TrainConfig;
import io.fathom.config.UserError;
import io.fathom.corpus.HadoopSettings;
import io.fathom.corpus.TokenSplit;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.program.Programs;
import io.fathom.train.CapacitySchedule;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Training of one model by rounds on Spark: the driver's side.
 *
 * <p>A round publishes all of parameters, outer state and cursors, or nothing. What it depends on is in the checkpoint,
 * so a run that was stopped, killed or lost executors ends with the same parameters as one that was not, bit for bit on
 * processors.
 */
public final class TrainingRun {
    private final JavaSparkContext spark;
    private final TrainConfig config;
    private final WorkerTools tools;
    private final ParameterLayout layout;
    private final RunDirectory run;
    private final Outer outer;
    private final SliceCodec codec;
    private final Validation validation;
    private final Progress progress;
    private final CapacitySchedule schedule;
    private final Map<ModelSpec, Double> stepFlops = new HashMap<>();

    /**
     * A run of {@code spec} in the directory {@code run}; throws {@link UserError} when {@code validation} is too short
     * or a JVM too small.
     */
    public TrainingRun(
            JavaSparkContext spark,
            RunConfig config,
            ModelSpec spec,
            TokenSplit train,
            TokenSplit validation,
            RunDirectory run,
            Progress progress) {
        this(
                spark,
                config,
                WorkerTools.of(UUID.randomUUID().toString(), config, spec, train, validation),
                codec(spec, config.train().encoding()),
                run,
                progress);
    }

    TrainingRun(
            JavaSparkContext spark,
            RunConfig config,
            WorkerTools tools,
            SliceCodec codec,
            RunDirectory run,
            Progress progress) {
        this.spark = spark;
        this.config = config.train();
        this.tools = tools;
        this.codec = codec;
        this.layout = ParameterLayout.of(tools.spec());
        int sequences = this.config.batch() / this.config.microBatches();
        long activations = Programs.training(tools.spec(), sequences).memory().elements();
        HeapNeeds.check(spark, layout.size(), activations, this.config);
        this.run = run;
        this.outer = switch (this.config.outer().kind()) {
            case AVERAGE -> new Outer.Average();
            case NESTEROV ->
                new Outer.Nesterov(
                        this.config.outer().learningRate(this.config.workers()),
                        this.config.outer().momentum());
        };
        this.validation = new Validation(spark, tools, this.config.validation().batches());
        this.progress = progress;
        this.schedule = CapacitySchedule.of(this.config.capacitySchedule());
    }

    static SliceCodec codec(ModelSpec spec, TrainConfig.Encoding encoding) {
        return switch (encoding) {
            case FP32 -> new WholeFloats();
            case BF16 -> new QuantisedChanges(spec, QuantisedChanges.Width.BF16);
            case INT8 -> new QuantisedChanges(spec, QuantisedChanges.Width.INT8);
        };
    }

    /** Matrix-product FLOPs of one round of all workers, forward and backward, counted from the compiled program. */
    public static double roundFlops(ModelSpec spec, TrainConfig config) {
        int sequences = config.batch() / config.microBatches();
        double step = (double) Programs.training(spec, sequences).flops() * config.microBatches();
        return step * config.localSteps() * config.workers();
    }

    /**
     * Claims the run and says where training begins: before the first round or, when {@code resume} is true, after the
     * newest intact checkpoint if there is one.
     *
     * @throws UserError when {@code resume} is false and a run is there, or when it is of another model, seed or number
     *     of workers
     */
    public ClaimedStart begin(boolean resume) {
        return new StartingPoint(run, tools, progress)
                .claim(resume, Start.now(spark.sc().applicationId()));
    }

    /**
     * Trains from where {@code start} begins to the configured number of rounds.
     *
     * @throws UserError when a worker's loss is not finite
     * @throws StoppedException when the process was told to end
     * @throws OvertakenException when a newer start has claimed the run
     */
    public TrainingSummary train(ClaimedStart start) {
        RunCheckpoints checkpoints =
                new RunCheckpoints(run, start.claim(), new HadoopSettings(spark.hadoopConfiguration()), config);
        try (Rounds rounds = new Rounds(spark, tools, slices(), codec, checkpoints.workers(start.from()));
                Interruption interruption = new Interruption(() -> spark.cancelJobGroup(tools.run()))) {
            return train(start, checkpoints, rounds, interruption);
        } catch (Exception e) { // Spark's are checked ones, undeclared
            start.claim().check(e);
            throw e;
        } finally {
            spark.clearJobGroup();
        }
    }

    private Slices slices() {
        return new Slices(layout.size(), Rounds.SLICE_FLOATS);
    }

    private TrainingSummary train(
            ClaimedStart start, RunCheckpoints checkpoints, Rounds rounds, Interruption interruption) {
        Checkpoint from = start.from();
        MetricsLog log = new MetricsLog(run, start.claim(), from.round());
        Checkpoint now = from;
        double validationLoss = Double.NaN;
        String before = "";
        while (now.round() < config.rounds()) {
            long started = System.nanoTime();
            int round = now.round() + 1;
            ModelSpec stage = stage(now, from);
            describe("round " + round + "/" + config.rounds() + ": " + config.workers() + " workers x "
                    + config.localSteps() + " steps" + before);
            OuterStep step = new OuterStep(outer, now.parameters(), now.velocity(), slices(), codec.relative());
            Rounds.Outcome outcome = round(rounds, stage, now, step, interruption);
            RoundMetrics.Exchange exchange = RoundMetrics.Exchange.of(
                    outcome.reports(), step.change(), 2L * Float.BYTES * layout.size() * rounds.vectors());
            now = commit(now, stage, outcome, step.step(), started);
            RoundMetrics metrics =
                    RoundMetrics.of(now, stage, outcome.reports(), exchange, (System.nanoTime() - started) / 1e9);
            boolean last = round == config.rounds();
            if (last || round % config.validation().everyRounds() == 0) {
                validationLoss = validate(now);
                metrics = metrics.withValidation(validationLoss, bitsPerByte(validationLoss));
            }
            log.add(metrics);
            FathomPlugin.show(metrics);
            before = "; round " + round + ": " + metrics.inShort();
            // Asked once: who is told to stop after this must still make a round that is saved.
            boolean stop = !last && interruption.requested();
            if (last || stop || round % config.checkpoint().everyRounds() == 0) {
                log.flush();
                describe("checkpoint of round " + now.round());
                checkpoints.save(now, rounds);
            }
            progress.round(metrics, config.rounds(), secondsLeft(from, now));
            if (stop) {
                throw new StoppedException(
                        "stopped after round " + round + " of " + config.rounds() + ", which is saved");
            }
        }
        if (Double.isNaN(validationLoss)) {
            validationLoss = validate(now);
        }
        return summary(now, validationLoss);
    }

    /** The model of the round after {@code now}; tells where its capacity is another than that of the round before. */
    private ModelSpec stage(Checkpoint now, Checkpoint from) {
        ModelSpec stage = schedule.at(tools.spec(), now.round() + 1);
        boolean begins = now.round() == from.round();
        boolean changes = !begins && !stage.equals(schedule.at(tools.spec(), now.round()));
        if ((changes || (begins && now.round() < schedule.rounds()))
                && stage.routing() instanceof Routing.Routed routed) {
            progress.say(String.format(
                    Locale.ROOT,
                    "round %d: capacity %.4f, %d of %d tokens of a sequence; the step is compiled anew",
                    now.round() + 1,
                    routed.capacity(),
                    routed.selected(stage.context()),
                    stage.context()));
        }
        return stage;
    }

    private Rounds.Outcome round(
            Rounds rounds, ModelSpec stage, Checkpoint now, OuterStep step, Interruption interruption) {
        int round = now.round() + 1;
        Rounds.Outcome outcome;
        try {
            outcome = rounds.run(
                    stage, now.parameters(), now.moments(), config.localSteps(), config.roundSeconds(), step);
        } catch (Exception e) { // Spark's are checked ones, undeclared
            if (interruption.requested()) {
                throw new StoppedException(
                        "stopped in round " + round + ", which is lost; " + RunCheckpoints.newest(run) + " is saved");
            }
            throw e;
        }
        List<WorkerReport> failed =
                outcome.reports().stream().filter(WorkerReport::failed).toList();
        for (WorkerReport report : failed) {
            String what = "round " + round + ", worker " + report.worker() + ": " + report.failure();
            if (failed.size() > config.toleratedFailures()) {
                throw new UserError(what + "; nothing of this round is kept"
                        + (failed.size() > 1
                                ? ", since " + failed.size() + " workers failed, train.toleratedFailures = "
                                        + config.toleratedFailures()
                                : "")
                        + ": go on with --resume");
            }
            progress.say(what + "\n  left out of this round's average");
        }
        return outcome;
    }

    private double stepFlops(ModelSpec stage) {
        return stepFlops.computeIfAbsent(
                stage, spec -> roundFlops(spec, config) / config.localSteps() / config.workers());
    }

    private Checkpoint commit(
            Checkpoint before, ModelSpec stage, Rounds.Outcome outcome, Outer.Step step, long started) {
        TrainingProgress was = before.progress();
        List<WorkerReport> reports = outcome.reports();
        List<Long> steps = reports.stream().map(WorkerReport::steps).toList();
        long tokens = reports.stream().mapToLong(r -> r.means().tokens()).sum();
        long made = reports.stream().mapToLong(r -> r.means().steps()).sum();
        return new Checkpoint(
                before.spec(),
                step.parameters(),
                step.velocity(),
                outcome.moments(),
                new TrainingProgress(
                        was.round() + 1,
                        was.seed(),
                        steps,
                        was.tokens() + tokens,
                        was.flops() + stepFlops(stage) * made,
                        was.seconds() + (System.nanoTime() - started) / 1e9));
    }

    private double validate(Checkpoint now) {
        describe("validation after round " + now.round());
        return validation.loss(now.parameters());
    }

    private double bitsPerByte(double nats) {
        return nats / Math.log(2) / tools.validation().bytesPerToken();
    }

    private void describe(String job) {
        spark.setJobGroup(tools.run(), job, false);
    }

    private double secondsLeft(Checkpoint from, Checkpoint now) {
        double perRound = (now.progress().seconds() - from.progress().seconds()) / (now.round() - from.round());
        return perRound * (config.rounds() - now.round());
    }

    private TrainingSummary summary(Checkpoint now, double validationLoss) {
        TrainingProgress reached = now.progress();
        return new TrainingSummary(
                now.round(),
                layout.parameterCount(),
                reached.tokens(),
                reached.flops(),
                reached.seconds(),
                reached.tokens() / reached.seconds(),
                validationLoss,
                bitsPerByte(validationLoss));
    }
}
