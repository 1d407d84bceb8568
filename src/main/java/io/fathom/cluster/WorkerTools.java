package io.fathom.cluster;

import io.fathom.config.RunConfig;
import io.fathom.corpus.Batches;
import io.fathom.corpus.TokenSplit;
import io.fathom.engine.Precision;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.ModelSpec;
import io.fathom.program.Programs;
import io.fathom.train.LearningRate;
import io.fathom.train.Optimization;
import java.io.Serializable;

/**
 * Everything a task needs to train or to score one run's model; travels to executors with each round.
 *
 * @param run names the run; sessions are held by this name
 * @param spec the model
 * @param engine finds the engine on the executor
 * @param device finds a task's GPU
 * @param precision of the engine
 * @param threads of a session
 * @param batch B, sequences of one step of one worker
 * @param seed of the order of batches
 * @param workers N
 * @param optimization how a worker moves its parameters
 * @param train split to learn from
 * @param validation split to score
 */
public record WorkerTools(
        String run,
        ModelSpec spec,
        EngineSource engine,
        TaskDevice device,
        Precision precision,
        int threads,
        int batch,
        long seed,
        int workers,
        Optimization optimization,
        TokenSplit train,
        TokenSplit validation)
        implements Serializable {

    /** The tools that {@code config} asks for. */
    public static WorkerTools of(
            String run, RunConfig config, ModelSpec spec, TokenSplit train, TokenSplit validation) {
        var training = config.train();
        var rate = training.learningRate();
        LearningRate learningRate = new LearningRate(
                rate.peak(), rate.floor(), rate.warmupSteps(), (long) training.rounds() * training.localSteps());
        return new WorkerTools(
                run,
                spec,
                EngineSource.named(config.engine().name()),
                TaskDevice.of(config.local()),
                Precision.named(config.engine().precision()),
                config.engine().threads(),
                training.batch(),
                config.seed(),
                training.workers(),
                new Optimization(learningRate, training.adamw(), training.microBatches()),
                train,
                validation);
    }

    /** The same with another engine. */
    WorkerTools withEngine(EngineSource other) {
        return new WorkerTools(
                run, spec, other, device, precision, threads, batch, seed, workers, optimization, train, validation);
    }

    /** The same for a model that differs in its capacity. */
    WorkerTools withSpec(ModelSpec other) {
        return new WorkerTools(
                run, other, engine, device, precision, threads, batch, seed, workers, optimization, train, validation);
    }

    Session openTraining(int device) {
        return engine.engine().open(Programs.training(spec, batch / optimization.microBatches()), options(device));
    }

    Session openScoring(int device) {
        return engine.engine().open(Programs.inference(spec, batch), options(device));
    }

    private SessionOptions options(int device) {
        return new SessionOptions(precision, threads, device);
    }

    Batches trainingBatches() {
        return new Batches(train, batch, spec.context(), seed, workers);
    }
}
