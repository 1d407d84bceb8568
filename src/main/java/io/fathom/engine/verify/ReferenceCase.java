package io.fathom.engine.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.config.UserError;
import io.fathom.graph.weights.ByteSource;
import io.fathom.graph.weights.SafeTensors;
import io.fathom.graph.weights.StoredTensor;
import io.fathom.model.Batch;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.model.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One reference case: a model, ten batches, and what an independent float64 implementation made of them.
 *
 * <p>The format is described in {@code golden/README.md} among the resources.
 *
 * @param name of the case
 * @param spec its model
 * @param sequences B
 * @param numbers the JSON file
 * @param reals the tensors of real numbers: elements row by row, by name
 * @param integers the tensors of whole numbers, likewise
 */
public record ReferenceCase(
        String name,
        ModelSpec spec,
        int sequences,
        JsonNode numbers,
        Map<String, double[]> reals,
        Map<String, int[]> integers) {
    /** The cases shipped in the jar. */
    public static final List<String> SHIPPED =
            List.of("dense", "mod_raw", "mod_sigmoid_aux", "mod_sigmoid_predictor", "mod_every_block");

    /** A shipped case. */
    public static ReferenceCase shipped(String name) {
        return of(name, resource(name + ".json"), resource(name + ".safetensors"));
    }

    /** The case at {@code path}: {@code NAME.json}, with {@code NAME.safetensors} beside it. */
    public static ReferenceCase at(Path path) {
        String file = path.getFileName().toString();
        if (!file.endsWith(".json")) {
            throw new UserError(path + " is no reference case: expected NAME.json with NAME.safetensors beside it");
        }
        String name = file.substring(0, file.length() - ".json".length());
        return of(name, bytes(path), bytes(path.resolveSibling(name + ".safetensors")));
    }

    private static byte[] bytes(Path path) {
        try {
            return Files.readAllBytes(path);
        } catch (IOException e) {
            throw new UserError(
                    "cannot read " + path + ": " + e.getClass().getSimpleName()
                            + "; a reference case is NAME.json with NAME.safetensors beside it",
                    e);
        }
    }

    private static byte[] resource(String file) {
        try (InputStream in = ReferenceCase.class.getResourceAsStream("/golden/" + file)) {
            if (in == null) {
                throw new UserError("no reference case " + file + " is shipped; there are " + SHIPPED);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UserError("cannot read the shipped reference case " + file, e);
        }
    }

    private static ReferenceCase of(String name, byte[] json, byte[] safetensors) {
        JsonNode numbers;
        try {
            numbers = new ObjectMapper().readTree(json);
        } catch (IOException e) {
            throw new UserError(name + ".json is not JSON: " + e.getMessage(), e);
        }
        JsonNode c = numbers.path("case");
        for (String key :
                List.of("V", "S", "D", "h", "L", "B", "every", "capacity", "gate", "aux_weight", "predictor")) {
            if (!c.has(key)) {
                throw new UserError(name + ".json lacks case." + key + "; see golden/README.md for the format");
            }
        }
        ModelSpec spec = new ModelSpec(
                c.get("V").asInt(),
                c.get("S").asInt(),
                c.get("D").asInt(),
                c.get("h").asInt(),
                c.get("L").asInt(),
                routing(c));
        Map<String, double[]> reals = new HashMap<>();
        Map<String, int[]> integers = new HashMap<>();
        try (SafeTensors source = SafeTensors.open(ByteSource.of(name + ".safetensors", safetensors))) {
            for (StoredTensor tensor : source.tensors().values()) {
                if (tensor.type().real()) {
                    reals.put(tensor.name(), source.doubles(tensor.name()));
                } else {
                    integers.put(tensor.name(), source.integers(tensor.name()));
                }
            }
        }
        return new ReferenceCase(name, spec, c.get("B").asInt(), numbers, reals, integers);
    }

    /** A case without {@code router} is expert choice, or dense at capacity 1. */
    private static Routing routing(JsonNode c) {
        int every = c.get("every").asInt();
        int offset = every - 1;
        double capacity = c.get("capacity").asDouble();
        Gate gate = Gate.valueOf(c.get("gate").asText().toUpperCase(Locale.ROOT));
        double zWeight = c.path("z_weight").asDouble(0);
        String router = c.path("router").asText(capacity >= 1 ? "dense" : "expert-choice");
        return switch (router) {
            case "dense" -> new Routing.Dense();
            case "expert-choice" ->
                new Routing.ExpertChoice(
                        every,
                        offset,
                        capacity,
                        gate,
                        c.get("aux_weight").asDouble(),
                        zWeight,
                        c.get("predictor").asBoolean());
            case "token-choice" ->
                new Routing.TokenChoice(
                        every, offset, capacity, gate, c.path("balance_weight").asDouble(0), zWeight);
            case "random" -> new Routing.Stochastic(every, offset, capacity, gate);
            default ->
                throw new UserError(
                        "case.router = " + router + ": must be one of dense, expert-choice, token-choice, random");
        };
    }

    /** The elements of tensor {@code tensor}; throws {@link UserError} where the case lacks it. */
    public double[] doubles(String tensor) {
        return find(tensor, reals);
    }

    /** The elements of a tensor of token ids or positions; throws {@link UserError} where the case lacks it. */
    public int[] ints(String tensor) {
        return find(tensor, integers);
    }

    private <T> T find(String tensor, Map<String, T> tensors) {
        T values = tensors.get(tensor);
        if (values == null) {
            throw new UserError(
                    name + ".safetensors has no tensor " + tensor + "; see golden/README.md for the format");
        }
        return values;
    }

    /** The initial parameters as one flat vector. */
    public float[] parameters() {
        ParameterLayout layout = ParameterLayout.of(spec);
        float[] theta = new float[layout.size()];
        for (Tensor tensor : layout.tensors()) {
            double[] values = doubles("param/" + tensor.name());
            if (values.length != tensor.length()) {
                throw new UserError(name + ".safetensors holds " + values.length + " elements of " + tensor.name()
                        + ", its case asks for " + tensor.length());
            }
            for (int i = 0; i < values.length; i++) {
                theta[tensor.offset() + i] = (float) values[i];
            }
        }
        return theta;
    }

    /** The batch of step {@code step}, from 0. */
    public Batch batch(int step) {
        int[] tokens = ints("tokens");
        int window = spec.context() + 1;
        int[][] windows = new int[sequences][];
        for (int b = 0; b < sequences; b++) {
            int from = (step * sequences + b) * window;
            windows[b] = Arrays.copyOfRange(tokens, from, from + window);
        }
        long seed = numbers.path("case").path("noise_seed").asLong(0) + step;
        return Batch.ofWindows(windows).withSeed(seed);
    }
}
