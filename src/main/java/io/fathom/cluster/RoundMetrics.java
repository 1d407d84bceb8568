package io.fathom.cluster;

import io.fathom.average.ChangeNorms;
import io.fathom.average.Divergence;
import io.fathom.checkpoint.Checkpoint;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/**
 * One round as {@code metrics.jsonl} tells it.
 *
 * @param round from 1
 * @param time it ended, in seconds since 1970
 * @param step steps a worker has made; the most of them, where time ended some rounds early
 * @param tokens learnt from so far, by all workers
 * @param loss mean over workers (by tokens) and steps of the loss that was descended, in nats a token
 * @param ce its cross-entropy
 * @param aux its BCE(r, selected), before the weight
 * @param pred its predictors' BCE
 * @param gradNorm mean global norm before clipping
 * @param learningRate of the round's last step
 * @param tokensPerSecond of all workers together, over the whole round
 * @param flops spent on training so far, by all workers
 * @param capacity share of the sequence that routed blocks took, where any routes
 * @param seconds the round took
 * @param exchange what travelled, and how far the workers agree
 * @param validationLoss cross-entropy on the validation batches in nats a token, where it was measured
 * @param bitsPerByte the same in bits a byte of text
 */
public record RoundMetrics(
        int round,
        double time,
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
        OptionalDouble capacity,
        double seconds,
        Exchange exchange,
        OptionalDouble validationLoss,
        OptionalDouble bitsPerByte) {

    /**
     * What travelled in a round.
     *
     * @param bytesUp encoded parameters the workers sent
     * @param bytesDown means sent to the driver and parameters it broadcast, once each
     * @param workerChange how far each worker moved: |theta_w - theta|, in worker order
     * @param meanChange how far their mean moved
     * @param cosine mean cosine between the changes of two workers; see {@link Divergence#cosine}
     * @param compressionError lost by encoding, relative to the change, by group of tensors
     * @param rejected workers left out since their loss was not finite
     */
    public record Exchange(
            long bytesUp,
            long bytesDown,
            List<Double> workerChange,
            double meanChange,
            OptionalDouble cosine,
            Map<String, Double> compressionError,
            List<Integer> rejected) {

        static Exchange of(List<WorkerReport> reports, double meanChange, long bytesDown) {
            double cosine = Divergence.cosine(
                    reports.stream().mapToDouble(r -> r.means().tokens()).toArray(),
                    reports.stream().mapToDouble(r -> r.changes().change()).toArray(),
                    meanChange);
            Map<String, Double> errors = new LinkedHashMap<>();
            ChangeNorms.relativeErrors(
                            reports.stream().map(WorkerReport::changes).toList())
                    .forEach((group, error) -> errors.put(group.name().toLowerCase(Locale.ROOT), error));
            return new Exchange(
                    reports.stream().mapToLong(WorkerReport::bytes).sum(),
                    bytesDown,
                    reports.stream().map(r -> r.changes().change()).toList(),
                    meanChange,
                    Double.isNaN(cosine) ? OptionalDouble.empty() : OptionalDouble.of(cosine),
                    errors,
                    reports.stream()
                            .filter(WorkerReport::failed)
                            .map(WorkerReport::worker)
                            .toList());
        }
    }

    /** The metrics of the round of {@code stage} that ended in {@code now}, without validation. */
    static RoundMetrics of(
            Checkpoint now, ModelSpec stage, List<WorkerReport> reports, Exchange exchange, double seconds) {
        long tokens = reports.stream().mapToLong(r -> r.means().tokens()).sum();
        ToDoubleFunction<ToDoubleFunction<WorkerReport>> mean = quantity -> reports.stream()
                        .mapToDouble(r -> r.means().tokens() * quantity.applyAsDouble(r))
                        .sum()
                / tokens;
        return new RoundMetrics(
                now.round(),
                System.currentTimeMillis() / 1000.0,
                now.progress().steps().stream().mapToLong(Long::longValue).max().orElse(0),
                now.progress().tokens(),
                mean.applyAsDouble(r -> r.means().loss()),
                mean.applyAsDouble(r -> r.means().ce()),
                mean.applyAsDouble(r -> r.means().aux()),
                mean.applyAsDouble(r -> r.means().pred()),
                mean.applyAsDouble(r -> r.means().gradientNorm()),
                mean.applyAsDouble(r -> r.means().learningRate()),
                tokens / seconds,
                now.progress().flops(),
                stage.routing() instanceof Routing.Routed routed
                        ? OptionalDouble.of(routed.capacity())
                        : OptionalDouble.empty(),
                seconds,
                exchange,
                OptionalDouble.empty(),
                OptionalDouble.empty());
    }

    RoundMetrics withValidation(double loss, double bits) {
        return new RoundMetrics(
                round,
                time,
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
                capacity,
                seconds,
                exchange,
                OptionalDouble.of(loss),
                OptionalDouble.of(bits));
    }

    /** For the list of jobs in Spark's UI, where a round is told of once the next one runs. */
    String inShort() {
        return String.format(Locale.ROOT, "loss %.4f, %,.0f tokens/s", loss, tokensPerSecond);
    }

    /** Keys and values in the order they are written. */
    Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("round", round);
        fields.put("time", time);
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
        capacity.ifPresent(share -> fields.put("capacity", share));
        fields.put("seconds", seconds);
        fields.put("bytesUp", exchange.bytesUp());
        fields.put("bytesDown", exchange.bytesDown());
        fields.put("workerChange", new ArrayList<>(exchange.workerChange()));
        fields.put("meanChange", exchange.meanChange());
        exchange.cosine().ifPresent(cosine -> fields.put("cosine", cosine));
        fields.put("compressionError", exchange.compressionError());
        fields.put("rejected", exchange.rejected());
        validationLoss.ifPresent(loss -> fields.put("validationLoss", loss));
        bitsPerByte.ifPresent(bits -> fields.put("bitsPerByte", bits));
        return fields;
    }
}
