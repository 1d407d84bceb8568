package io.fathom.train;

/**
 * What a worker saw in its steps.
 *
 * @param steps steps made
 * @param tokens tokens learnt from
 * @param loss mean over the steps of the loss that was descended, in nats a token
 * @param ce mean cross-entropy, in nats a token
 * @param aux mean of BCE(r, selected) before its weight; zero where no block routes
 * @param pred mean of the predictors' BCE; zero where there are none
 * @param gradientNorm mean global norm before clipping
 * @param learningRate of the last step
 * @param seconds time the steps took
 */
public record StepMeans(
        int steps,
        long tokens,
        double loss,
        double ce,
        double aux,
        double pred,
        double gradientNorm,
        double learningRate,
        double seconds) {}
