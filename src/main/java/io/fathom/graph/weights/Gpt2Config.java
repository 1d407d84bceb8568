package io.fathom.graph.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fathom.config.UserError;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The {@code config.json} beside the weights: the Hugging Face library's for GPT-2, with a section {@code fathom} where
 * blocks route.
 *
 * <p>A dense model is written as {@code model_type gpt2}, which that library loads; a routed one as {@code fathom_mod},
 * which it refuses rather than run it as if it were dense.
 */
final class Gpt2Config {
    private static final String DENSE_TYPE = "gpt2";
    private static final String ROUTED_TYPE = "fathom_mod";
    /** Keeps a hostile file from making the layout itself a burden. */
    private static final int LARGEST = 1 << 20;

    private static final ObjectMapper JSON = new ObjectMapper();

    private Gpt2Config() {}

    /** The model that {@code text} describes; throws {@link UserError} naming every setting that is not this body's. */
    static ModelSpec read(String name, String text) {
        JsonNode root;
        try {
            root = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new UserError(name + ": not JSON: " + e.getOriginalMessage(), e);
        }
        List<String> problems = new ArrayList<>();
        String type = root.path("model_type").asText("missing");
        if (!type.equals(DENSE_TYPE) && !type.equals(ROUTED_TYPE)) {
            throw new UserError(name + ": model_type is " + type + ", expected " + DENSE_TYPE
                    + "; only checkpoints of GPT-2's architecture can be imported");
        }
        require(problems, root, "activation_function", "gelu_new", "gelu_new");
        require(problems, root, "layer_norm_epsilon", "1.0E-5", "1.0E-5");
        require(problems, root, "scale_attn_weights", "true", "true");
        require(problems, root, "scale_attn_by_inverse_layer_idx", "false", "false");
        require(problems, root, "add_cross_attention", "false", "false");
        require(problems, root, "tie_word_embeddings", "true", "true");
        int width = size(problems, root, "n_embd");
        int inner = root.path("n_inner").asInt(4 * width);
        if (inner != 4 * width) {
            problems.add("n_inner is " + inner + ", expected 4 * n_embd = " + 4 * width);
        }
        int vocabulary = size(problems, root, "vocab_size");
        int context = size(problems, root, "n_positions");
        int heads = size(problems, root, "n_head");
        int blocks = size(problems, root, "n_layer");
        if (!problems.isEmpty()) {
            throw new UserError(name + ": not a model this body can hold: " + String.join("; ", problems));
        }
        try {
            return new ModelSpec(vocabulary, context, width, heads, blocks, routing(type, root));
        } catch (IllegalArgumentException e) {
            throw new UserError(name + ": " + e.getMessage(), e);
        }
    }

    private static void require(List<String> problems, JsonNode root, String key, String expected, String absent) {
        String found = root.path(key).asText(absent);
        if (!found.equals(expected)) {
            problems.add(key + " is " + found + ", expected " + expected);
        }
    }

    private static int size(List<String> problems, JsonNode root, String key) {
        JsonNode node = root.path(key);
        if (!node.isInt() || node.intValue() < 1 || node.intValue() > LARGEST) {
            problems.add(key + " is " + (node.isMissingNode() ? "missing" : node) + ", expected 1 to " + LARGEST);
            return 1;
        }
        return node.intValue();
    }

    private static Routing routing(String type, JsonNode root) {
        if (type.equals(DENSE_TYPE)) {
            return new Routing.Dense();
        }
        JsonNode fathom = root.path("fathom");
        int every = fathom.path("every").asInt();
        int offset = fathom.path("offset").asInt();
        double capacity = fathom.path("capacity").asDouble();
        Gate gate = gate(fathom.path("gate").asText());
        double zWeight = fathom.path("zWeight").asDouble();
        String kind = fathom.path("routing").asText();
        return switch (kind) {
            case "expert-choice" ->
                new Routing.ExpertChoice(
                        every,
                        offset,
                        capacity,
                        gate,
                        fathom.path("auxWeight").asDouble(),
                        zWeight,
                        fathom.path("predictor").asBoolean());
            case "token-choice" ->
                new Routing.TokenChoice(
                        every,
                        offset,
                        capacity,
                        gate,
                        fathom.path("balanceWeight").asDouble(),
                        zWeight);
            case "random" -> new Routing.Stochastic(every, offset, capacity, gate);
            default ->
                throw new IllegalArgumentException(
                        "fathom.routing is " + kind + ", expected expert-choice, token-choice or random");
        };
    }

    private static Gate gate(String name) {
        return Arrays.stream(Gate.values())
                .filter(g -> g.name().toLowerCase(Locale.ROOT).equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "fathom.gate is " + name + ", expected one of " + Arrays.toString(Gate.values())));
    }

    /** The text of the file for {@code spec}. */
    static String write(ModelSpec spec, int endOfText) {
        boolean routed = spec.routing() instanceof Routing.Routed;
        ObjectNode root = JSON.createObjectNode();
        root.putArray("architectures").add(routed ? "FathomMoDLMHeadModel" : "GPT2LMHeadModel");
        root.put("model_type", routed ? ROUTED_TYPE : DENSE_TYPE);
        root.put("activation_function", "gelu_new");
        root.put("layer_norm_epsilon", 1e-5);
        root.put("n_embd", spec.width());
        root.put("n_head", spec.heads());
        root.put("n_layer", spec.blocks());
        root.put("n_positions", spec.context());
        root.put("vocab_size", spec.vocabulary());
        root.put("bos_token_id", endOfText);
        root.put("eos_token_id", endOfText);
        root.put("tie_word_embeddings", true);
        root.put("scale_attn_weights", true);
        root.put("dtype", "float32");
        // Fathom trains without dropout; the library's default would be 0.1.
        root.put("attn_pdrop", 0).put("embd_pdrop", 0).put("resid_pdrop", 0);
        if (spec.routing() instanceof Routing.Routed routing) {
            write(routing, root.putObject("fathom"));
        }
        return root.toPrettyString() + "\n";
    }

    private static void write(Routing.Routed routing, ObjectNode to) {
        to.put("every", routing.every())
                .put("offset", routing.offset())
                .put("capacity", routing.capacity())
                .put("gate", routing.gate().name().toLowerCase(Locale.ROOT));
        if (routing instanceof Routing.ExpertChoice choice) {
            to.put("routing", "expert-choice")
                    .put("auxWeight", choice.auxWeight())
                    .put("zWeight", choice.zWeight())
                    .put("predictor", choice.predictor());
        } else if (routing instanceof Routing.TokenChoice choice) {
            to.put("routing", "token-choice")
                    .put("balanceWeight", choice.balanceWeight())
                    .put("zWeight", choice.zWeight());
        } else {
            to.put("routing", "random");
        }
    }
}
