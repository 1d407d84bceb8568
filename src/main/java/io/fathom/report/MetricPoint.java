package io.fathom.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * One line of {@code metrics.jsonl}.
 *
 * @param tokens learnt from up to here, by all workers
 * @param flops spent on training up to here
 * @param trainingLoss mean cross-entropy of the round, nats a token
 * @param validationLoss cross-entropy on the validation split, nats a token, where it was measured
 * @param routerLoss mean BCE(r, selected) of the round, where routers learn it
 * @param predictorLoss mean BCE(p, selected) of the round, where there are predictors
 * @param agreement mean cosine between the changes of two workers
 */
record MetricPoint(
        int round,
        double tokens,
        double flops,
        double trainingLoss,
        double tokensPerSecond,
        OptionalDouble validationLoss,
        OptionalDouble bitsPerByte,
        OptionalDouble routerLoss,
        OptionalDouble predictorLoss,
        OptionalDouble agreement) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The points of a file; a last line cut short by a crash is left out. */
    static List<MetricPoint> of(String lines) {
        List<MetricPoint> points = new ArrayList<>();
        for (String line : lines.lines().toList()) {
            try {
                JsonNode node = JSON.readTree(line);
                if (node.path("round").isNumber()) {
                    points.add(of(node));
                }
            } catch (JsonProcessingException cutShort) {
                break;
            }
        }
        return points;
    }

    private static MetricPoint of(JsonNode node) {
        return new MetricPoint(
                node.path("round").asInt(),
                node.path("tokens").asDouble(),
                node.path("flops").asDouble(),
                node.has("ce") ? node.path("ce").asDouble() : node.path("loss").asDouble(),
                node.path("tokensPerSecond").asDouble(),
                number(node, "validationLoss"),
                number(node, "bitsPerByte"),
                entropy(node, "aux"),
                entropy(node, "pred"),
                number(node, "cosine"));
    }

    /** A cross-entropy that is 0 is that of a model without what it is of. */
    private static OptionalDouble entropy(JsonNode node, String key) {
        OptionalDouble value = number(node, key);
        return value.isPresent() && value.getAsDouble() == 0 ? OptionalDouble.empty() : value;
    }

    private static OptionalDouble number(JsonNode node, String key) {
        return node.path(key).isNumber() ? OptionalDouble.of(node.path(key).asDouble()) : OptionalDouble.empty();
    }
}
