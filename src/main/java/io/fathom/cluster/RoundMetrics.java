package io.fathom.cluster;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * One round as {@code metrics.jsonl} tells it.
 *
 * @param round from 1
 * @param step steps each worker has made
 * @param tokens learnt from so far, by all workers
 * @param loss mean over workers (by tokens) and steps of the loss that was descended, in nats a token
 * @param ce its cross-entropy
 * @param aux its BCE(r, selected), before the weight
 * @param pred its predictors' BCE
 * @param gradNorm mean global norm before clipping
 * @param learningRate of the round's last step
 * @param tokensPerSecond of all workers together, over the whole round
 * @param flops spent on training so far, by all workers
 * @param bytesUp encoded parameters the workers sent
 * @param bytesDown means sent to the driver and parameters it broadcast, once each
 * @param seconds the round took
 * @param validationLoss cross-entropy on the validation batches in nats a token, where it was measured
 * @param bitsPerByte the same in bits a byte of text
 */
public record RoundMetrics(
        int round,
        long step,
        long tokens,
        double loss,
        double ce,
        double aux,
        double pred,
        double gradNorm,
        double learningRate,
        double tokensPerSecond,
        double flops,
        long bytesUp,
        long bytesDown,
        double seconds,
        OptionalDouble validationLoss,
        OptionalDouble bitsPerByte) {

    RoundMetrics withValidation(double loss, double bits) {
        return new RoundMetrics(
                round,
                step,
                tokens,
                this.loss,
                ce,
                aux,
                pred,
                gradNorm,
                learningRate,
                tokensPerSecond,
                flops,
                bytesUp,
                bytesDown,
                seconds,
                OptionalDouble.of(loss),
                OptionalDouble.of(bits));
    }

    /** Keys and values in the order they are written. */
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("round", round);
        fields.put("step", step);
        fields.put("tokens", tokens);
        fields.put("loss", loss);
        fields.put("ce", ce);
        fields.put("aux", aux);
        fields.put("pred", pred);
        fields.put("gradNorm", gradNorm);
        fields.put("learningRate", learningRate);
        fields.put("tokensPerSecond", tokensPerSecond);
        fields.put("flops", flops);
        fields.put("bytesUp", bytesUp);
        fields.put("bytesDown", bytesDown);
        fields.put("seconds", seconds);
        validationLoss.ifPresent(loss -> fields.put("validationLoss", loss));
        bitsPerByte.ifPresent(bits -> fields.put("bitsPerByte", bits));
        return fields;
    }
}
