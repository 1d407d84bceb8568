package io.fathom.config;

/** {@code fathom.train}: rounds of local steps and their averaging. */
public record TrainConfig(
        int workers,
        int rounds,
        int localSteps,
        int batch,
        int microBatches,
        LearningRateConfig learningRate,
        AdamWConfig adamw,
        OuterConfig outer,
        ValidationConfig validation,
        CheckpointConfig checkpoint) {

    /** {@code fathom.train.learningRate}: linear warm-up, then a cosine down to {@code floor}. */
    public record LearningRateConfig(double peak, double floor, int warmupSteps) {}

    /** {@code fathom.train.adamw}. */
    public record AdamWConfig(double beta1, double beta2, double epsilon, double weightDecay, double clipNorm) {}

    /** {@code fathom.train.outer}: what the driver does with the averaged deltas. */
    public record OuterConfig(Kind kind, double learningRate, double momentum) {
        /** Outer optimizers. */
        public enum Kind {
            AVERAGE,
            NESTEROV
        }
    }

    /** {@code fathom.train.validation}. */
    public record ValidationConfig(int everyRounds, int batches) {}

    /** {@code fathom.train.checkpoint}. */
    public record CheckpointConfig(int everyRounds, int keep) {}
}
