package io.fathom.engine;

/**
 * One AdamW update with decoupled weight decay and clipping by the global norm.
 *
 * <p>With G the gradient vector times {@code gradientScale}, n = |G|, g = G * min(1, clipNorm / (n + 1e-6)): m = beta1
 * m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; theta = theta (1 - learningRate * weightDecay) on tensors of rank 2
 * and above; theta -= learningRate * (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + epsilon).
 *
 * @param step updates done including this one, from 1
 * @param learningRate at this step
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param epsilon added to the root
 * @param weightDecay decoupled decay
 * @param clipNorm largest global norm; infinity leaves the gradient as it is
 * @param gradientScale 1 / micro-batches summed into the gradient
 */
public record AdamW(
        int step,
        double learningRate,
        double beta1,
        double beta2,
        double epsilon,
        double weightDecay,
        double clipNorm,
        double gradientScale) {}
