package io.fathom.checkpoint;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fathom.config.UserError;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;

/** The JSON of checkpoints: records as they are, routings told apart by {@code kind}. */
public final class CheckpointJson {
    /** Names the variants of {@link Routing} in JSON, since model knows nothing but the JDK. */
    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
    @JsonSubTypes({
        @JsonSubTypes.Type(value = Routing.Dense.class, name = "dense"),
        @JsonSubTypes.Type(value = Routing.ExpertChoice.class, name = "expert-choice"),
        @JsonSubTypes.Type(value = Routing.TokenChoice.class, name = "token-choice"),
        @JsonSubTypes.Type(value = Routing.Stochastic.class, name = "random")
    })
    private interface Kinds {}

    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .addMixIn(Routing.class, Kinds.class)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    private CheckpointJson() {}

    /** A model as JSON. */
    public static String of(ModelSpec spec) {
        return write(spec);
    }

    /** The model that {@code json}, from {@code path}, describes; throws {@link UserError} naming the path. */
    public static ModelSpec model(String json, String path) {
        return read(json, ModelSpec.class, path);
    }

    static String write(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(value + " cannot be written as JSON", e);
        }
    }

    static <T> T read(String json, Class<T> type, String path) {
        return read(json, type, path, Checkpoint.REMEDY);
    }

    static <T> T read(String json, Class<T> type, String path, String remedy) {
        try {
            return MAPPER.readValue(json, type);
        } catch (JsonProcessingException e) {
            throw new UserError(path + ": is not what Fathom writes (" + e.getOriginalMessage() + ")" + remedy, e);
        }
    }
}
