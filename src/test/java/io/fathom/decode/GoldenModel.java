package io.fathom.decode;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.graph.weights.ByteSource;
import io.fathom.graph.weights.SafeTensors;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.model.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;

/** A model of the independent reference and what it gives under causal routing. */
public record GoldenModel(ModelSpec spec, float[] parameters, int sequences, JsonNode numbers, SafeTensors tensors) {

    public static GoldenModel named(String name) throws IOException {
        JsonNode numbers = new ObjectMapper().readTree(bytes(name + ".json"));
        JsonNode c = numbers.get("case");
        Routing routing = c.get("routed").isEmpty()
                ? new Routing.Dense()
                : new Routing.ExpertChoice(
                        c.get("every").asInt(),
                        c.get("every").asInt() - 1,
                        c.get("capacity").asDouble(),
                        Gate.valueOf(c.get("gate").asText().toUpperCase(Locale.ROOT)),
                        c.get("aux_weight").asDouble(),
                        c.get("predictor").asBoolean());
        ModelSpec spec = new ModelSpec(
                c.get("V").asInt(),
                c.get("S").asInt(),
                c.get("D").asInt(),
                c.get("h").asInt(),
                c.get("L").asInt(),
                routing);
        SafeTensors tensors = SafeTensors.open(ByteSource.of(name, bytes(name + ".safetensors")));
        ParameterLayout layout = ParameterLayout.of(spec);
        float[] parameters = new float[layout.size()];
        for (Tensor t : layout.tensors()) {
            System.arraycopy(tensors.floats("param/" + t.name()), 0, parameters, t.offset(), t.length());
        }
        return new GoldenModel(spec, parameters, c.get("B").asInt(), numbers, tensors);
    }

    private static byte[] bytes(String file) throws IOException {
        try (InputStream in = GoldenModel.class.getResourceAsStream("/golden/" + file)) {
            return Objects.requireNonNull(in, file).readAllBytes();
        }
    }

    /** The first S tokens of sequence {@code b} of step 0. */
    int[] tokens(int b) throws IOException {
        int stride = spec.context() + 1;
        return Arrays.copyOfRange(tensors.integers("tokens"), b * stride, b * stride + spec.context());
    }

    /** Sequence {@code b} of step 0 with the token that follows it. */
    public int[] window(int b) throws IOException {
        int stride = spec.context() + 1;
        return Arrays.copyOfRange(tensors.integers("tokens"), b * stride, (b + 1) * stride);
    }

    Decoder decoder(CausalRule.Signal signal) {
        return new Decoder(spec, parameters, CausalRule.of(signal));
    }
}
