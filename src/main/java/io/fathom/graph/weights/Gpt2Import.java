package io.fathom.graph.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.config.UserError;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.model.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Reads a GPT-2 checkpoint as the Hugging Face library writes it: {@code config.json} and {@code model.safetensors}, or
 * several of these with {@code model.safetensors.index.json}; also what {@link WeightExport} wrote.
 */
public final class Gpt2Import {
    private static final String CONFIG = "config.json";
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final long LONGEST_TEXT = 64L << 20;
    /** Names begin with it, but in the oldest checkpoints. */
    private static final String PREFIX = "transformer.";

    private final WeightFiles files;

    private Gpt2Import(WeightFiles files) {
        this.files = files;
    }

    /** The checkpoint in {@code files} as it is; throws {@link UserError} with the reason when it cannot be used. */
    public static Weights read(WeightFiles files) {
        try {
            return new Gpt2Import(files).read();
        } catch (IOException e) {
            throw new UserError(files.name() + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * {@code weights} as the start of a model that routes by {@code routing}: routers and predictors are fresh, drawn
     * from {@code seed}; everything else is as given.
     */
    public static Weights withRouting(Weights weights, Routing routing, long seed) {
        ModelSpec from = weights.spec();
        ModelSpec spec =
                new ModelSpec(from.vocabulary(), from.context(), from.width(), from.heads(), from.blocks(), routing);
        ParameterLayout source = ParameterLayout.of(from);
        ParameterLayout target = ParameterLayout.of(spec);
        float[] theta = target.initial(spec, seed);
        for (Tensor tensor : target.tensors()) {
            if (source.contains(tensor.name())) {
                int offset = source.tensor(tensor.name()).offset();
                System.arraycopy(weights.parameters(), offset, theta, tensor.offset(), tensor.length());
            }
        }
        return new Weights(spec, theta);
    }

    private Weights read() throws IOException {
        if (!files.has(CONFIG)) {
            throw new UserError(files.name() + ": has no " + CONFIG
                    + "; give the directory of a checkpoint with config.json and model.safetensors");
        }
        ModelSpec spec = Gpt2Config.read(files.name() + "/" + CONFIG, text(CONFIG));
        List<SafeTensors> open = new ArrayList<>();
        try {
            for (String file : shards()) {
                open.add(SafeTensors.open(files.open(file)));
            }
            return fill(spec, byName(open));
        } finally {
            open.forEach(SafeTensors::close);
        }
    }

    private List<String> shards() throws IOException {
        if (files.has(SINGLE)) {
            return List.of(SINGLE);
        }
        if (!files.has(INDEX)) {
            throw new UserError(files.name() + ": has neither " + SINGLE + " nor " + INDEX
                    + (files.has("pytorch_model.bin")
                            ? "; pytorch_model.bin is a program in disguise (pickle): save the model as safetensors"
                            : ""));
        }
        JsonNode map;
        try {
            map = new ObjectMapper().readTree(text(INDEX)).path("weight_map");
        } catch (JsonProcessingException e) {
            throw new UserError(files.name() + "/" + INDEX + ": not JSON: " + e.getOriginalMessage(), e);
        }
        TreeSet<String> shards = new TreeSet<>();
        for (JsonNode file : map) {
            String shard = file.asText();
            // A path could name any file of this machine.
            if (!shard.matches("[A-Za-z0-9_][A-Za-z0-9_.-]*\\.safetensors")) {
                throw new UserError(files.name() + "/" + INDEX + ": names the file " + file
                        + ", expected a name ending in .safetensors without directories");
            }
            if (!files.has(shard)) {
                throw new UserError(files.name() + ": " + INDEX + " names " + shard + ", which is not there");
            }
            shards.add(shard);
        }
        if (shards.isEmpty()) {
            throw new UserError(files.name() + "/" + INDEX + ": its weight_map names no file");
        }
        return List.copyOf(shards);
    }

    private String text(String file) throws IOException {
        return text(files, file);
    }

    /** A file of text; throws {@link UserError} when it is larger than any that belongs to a checkpoint. */
    static String text(WeightFiles files, String file) throws IOException {
        try (ByteSource source = files.open(file)) {
            if (source.length() > LONGEST_TEXT) {
                throw new UserError(source.name() + ": has " + source.length() + " bytes, expected a small JSON file");
            }
            byte[] bytes = new byte[(int) source.length()];
            source.read(0, bytes);
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    /** Which file holds each tensor, by its name without the prefix. */
    private Map<String, SafeTensors> byName(List<SafeTensors> open) {
        Map<String, SafeTensors> holders = new TreeMap<>();
        for (SafeTensors file : open) {
            for (String name : file.tensors().keySet()) {
                if (holders.put(bare(name), file) != null) {
                    throw new UserError(files.name() + ": " + name + " is there twice");
                }
            }
        }
        return holders;
    }

    private static String bare(String name) {
        return name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
    }

    private Weights fill(ModelSpec spec, Map<String, SafeTensors> holders) {
        ParameterLayout layout = layout(spec, holders.size());
        // Checked before memory is taken: config.json may claim any size.
        for (Tensor tensor : layout.tensors()) {
            check(tensor, holders.get(tensor.name()));
        }
        holders.forEach((name, file) -> {
            if (!layout.contains(name) && !isBuffer(name)) {
                throw new UserError(file.name() + ": holds " + name + ", which no GPT-2 of this config.json has");
            }
        });
        float[] theta = new float[layout.size()];
        for (Tensor tensor : layout.tensors()) {
            SafeTensors file = Objects.requireNonNull(holders.get(tensor.name()));
            float[] values = file.floats(nameIn(file, tensor.name()));
            System.arraycopy(values, 0, theta, tensor.offset(), values.length);
        }
        requireTied(holders, layout, theta);
        return new Weights(spec, theta);
    }

    private ParameterLayout layout(ModelSpec spec, int tensors) {
        if (spec.blocks() > tensors) {
            throw new UserError(files.name() + ": config.json claims " + spec.blocks() + " blocks, the files hold "
                    + tensors + " tensors in all");
        }
        try {
            return ParameterLayout.of(spec);
        } catch (ArithmeticException e) {
            throw new UserError(
                    files.name()
                            + ": config.json claims a model of more than 2^31 parameters, too large for one vector",
                    e);
        }
    }

    private void check(Tensor tensor, @Nullable SafeTensors file) {
        if (file == null) {
            throw new UserError(files.name() + ": has no tensor " + PREFIX + tensor.name() + " " + tensor.shape());
        }
        List<Long> expected = tensor.shape().stream().map(Integer::longValue).toList();
        StoredTensor stored = file.tensor(nameIn(file, tensor.name()));
        if (!stored.shape().equals(expected)) {
            throw new UserError(file.name() + ": " + stored.name() + " is " + stored.shape() + ", config.json asks for "
                    + expected);
        }
    }

    private static String nameIn(SafeTensors file, String bare) {
        return file.contains(PREFIX + bare) ? PREFIX + bare : bare;
    }

    /** Causal masks that old checkpoints carry, and the head, which is the token table again. */
    private static boolean isBuffer(String name) {
        return name.matches("h\\.\\d+\\.attn\\.(bias|masked_bias)") || name.equals("lm_head.weight");
    }

    private static void requireTied(Map<String, SafeTensors> holders, ParameterLayout layout, float[] theta) {
        SafeTensors file = holders.get("lm_head.weight");
        if (file == null) {
            return;
        }
        float[] head = file.floats("lm_head.weight");
        Tensor table = layout.tensor("wte.weight");
        boolean same = head.length == table.length();
        for (int i = 0; same && i < head.length; i++) {
            same = head[i] == theta[table.offset() + i];
        }
        if (!same) {
            throw new UserError(file.name() + ": lm_head.weight differs from wte.weight; this body ties them");
        }
    }
}
