package io.fathom.config;

import java.io.Serializable;
import java.util.OptionalDouble;

/** {@code fathom.train}: rounds of local steps and their averaging. */
public record TrainConfig(
        int workers,
        int rounds,
        double flops,
        int localSteps,
        int batch,
        int microBatches,
        double roundSeconds,
        int toleratedFailures,
        Encoding encoding,
        CapacityScheduleConfig capacitySchedule,
        LearningRateConfig learningRate,
        AdamWConfig adamw,
        OuterConfig outer,
        ValidationConfig validation,
        CheckpointConfig checkpoint)
        implements Checked {

    @Override
    public void check(Problems problems) {
        problems.require(workers >= 1 && workers <= MOST_WORKERS, "workers", "must lie between 1 and " + MOST_WORKERS);
        problems.atLeast(1, rounds, "rounds");
        problems.notNegative(flops, "flops");
        problems.require(
                flops > 0 || capacitySchedule.rounds() <= Math.max(1, rounds),
                "rounds",
                "must be at least capacitySchedule.rounds = " + capacitySchedule.rounds());
        problems.atLeast(1, localSteps, "localSteps");
        problems.atLeast(1, batch, "batch");
        problems.atLeast(1, microBatches, "microBatches");
        problems.positive(roundSeconds, "roundSeconds");
        problems.require(
                toleratedFailures >= 0 && (workers < 1 || toleratedFailures < workers),
                "toleratedFailures",
                "must be at least 0 and less than workers = " + workers);
        problems.require(
                microBatches < 1 || batch % microBatches == 0,
                "batch",
                "must be a multiple of microBatches = " + microBatches);
    }

    /** A task of each round for each: more are a mistake, and Spark would run out of memory planning them. */
    private static final int MOST_WORKERS = 10_000;

    /** How parameters travel from workers to the average. */
    public enum Encoding {
        FP32,
        BF16,
        INT8
    }

    /** {@code fathom.train.capacitySchedule}: the way of the capacity from 1 down to the model's. */
    public record CapacityScheduleConfig(int rounds, int stages) implements Checked {
        @Override
        public void check(Problems problems) {
            problems.atLeast(0, rounds, "rounds");
            problems.atLeast(1, stages, "stages");
            problems.require(
                    rounds == 0 || stages <= rounds,
                    "stages",
                    "must be at most rounds = " + rounds + ", as a stage changes between rounds");
        }
    }

    /** {@code fathom.train.learningRate}: linear warm-up, then a cosine down to {@code floor}. */
    public record LearningRateConfig(double peak, double floor, int warmupSteps) implements Checked {
        @Override
        public void check(Problems problems) {
            problems.positive(peak, "peak");
            problems.require(floor >= 0 && floor <= peak, "floor", "must be at least 0 and at most peak = " + peak);
            problems.atLeast(0, warmupSteps, "warmupSteps");
        }
    }

    /** {@code fathom.train.adamw}. */
    public record AdamWConfig(
            double beta1, double beta2, double epsilon, double weightDecay, double clipNorm, InnerMoments moments)
            implements Checked, Serializable {
        @Override
        public void check(Problems problems) {
            problems.from(0, 1, beta1, "beta1");
            problems.from(0, 1, beta2, "beta2");
            problems.positive(epsilon, "epsilon");
            problems.notNegative(weightDecay, "weightDecay");
            problems.positive(clipNorm, "clipNorm");
        }
    }

    /** What becomes of a worker's moments from one round to the next. */
    public enum InnerMoments {
        /** The worker keeps its own; nothing of them travels. */
        LOCAL,
        /** All workers go on from the mean over the workers by tokens, which travels with the parameters as fp32. */
        AVERAGE,
        /** Every round begins with none, and counts its steps for bias correction from 1. */
        RESET
    }

    /** {@code fathom.train.outer}: what the driver does with the averaged deltas. */
    public record OuterConfig(Kind kind, OptionalDouble learningRate, double momentum) implements Checked {

        @Override
        public void check(Problems problems) {
            learningRate.ifPresent(rate -> problems.positive(rate, "learningRate"));
            problems.from(0, 1, momentum, "momentum");
        }

        /**
         * The learning rate, where none is set the one that DiLoCo's scaling study (arXiv 2503.09799) found best for as
         * many {@code workers}: 0.4 for one, 0.6 for 2 to 4, 0.8 for more.
         */
        public double learningRate(int workers) {
            return learningRate.orElse(workers == 1 ? 0.4 : workers <= 4 ? 0.6 : 0.8);
        }

        /** Outer optimizers. */
        public enum Kind {
            AVERAGE,
            NESTEROV
        }
    }

    /** {@code fathom.train.validation}. */
    public record ValidationConfig(int everyRounds, int batches) implements Checked {
        @Override
        public void check(Problems problems) {
            problems.atLeast(1, everyRounds, "everyRounds");
            problems.atLeast(1, batches, "batches");
        }
    }

    /** {@code fathom.train.checkpoint}. */
    public record CheckpointConfig(int everyRounds, int keep) implements Checked {
        /** The parents of the workers since a checkpoint go into every task: more than some 400 overflow its stack. */
        private static final int MOST_ROUNDS = 100;

        @Override
        public void check(Problems problems) {
            problems.require(
                    everyRounds >= 1 && everyRounds <= MOST_ROUNDS, "everyRounds", "must be from 1 to " + MOST_ROUNDS);
            problems.atLeast(1, keep, "keep");
        }
    }
}
