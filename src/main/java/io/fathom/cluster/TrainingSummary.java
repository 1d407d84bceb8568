package io.fathom.cluster;

/**
 * What a finished run came to.
 *
 * @param rounds committed
 * @param parameters of the model
 * @param tokens learnt from, by all workers
 * @param flops spent on training, by all workers
 * @param seconds spent on training, over all starts of the run
 * @param tokensPerSecond tokens over seconds
 * @param validationLoss after the last round, in nats a token
 * @param bitsPerByte the same in bits a byte of text
 */
public record TrainingSummary(
        int rounds,
        long parameters,
        long tokens,
        double flops,
        double seconds,
        double tokensPerSecond,
        double validationLoss,
        double bitsPerByte) {}
