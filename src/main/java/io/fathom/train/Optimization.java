package io.fathom.train;

import io.fathom.config.TrainConfig.AdamWConfig;
import io.fathom.config.TrainConfig.InnerMoments;
import io.fathom.engine.AdamW;
import java.io.Serializable;

/**
 * How a worker moves its parameters: AdamW under a schedule.
 *
 * @param learningRate of each step
 * @param adamw the rest of AdamW
 * @param microBatches parts a batch is cut into; their gradients are averaged
 */
public record Optimization(LearningRate learningRate, AdamWConfig adamw, int microBatches) implements Serializable {
    public Optimization {
        if (microBatches < 1) {
            throw new IllegalArgumentException("microBatches = " + microBatches + ": must be >= 1");
        }
    }

    /**
     * The update of step {@code step}, from 1, of a round before which {@code before} steps were made. Moments that are
     * reset count their own steps.
     */
    public AdamW update(long step, long before) {
        return new AdamW(
                Math.toIntExact(adamw.moments() == InnerMoments.RESET ? step - before : step),
                learningRate.at(step),
                adamw.beta1(),
                adamw.beta2(),
                adamw.epsilon(),
                adamw.weightDecay(),
                adamw.clipNorm(),
                1.0 / microBatches);
    }
}
