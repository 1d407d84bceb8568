package io.fathom.graph.weights;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fathom.config.UserError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The checked header of a safetensors file.
 *
 * <p>Refused are: a header longer than the file or than {@link #LONGEST}, anything but strict JSON with each name once,
 * an unknown element type, a negative or overflowing size, offsets that disagree with the shape, overlap, leave a hole
 * or do not end where the file ends.
 *
 * @param tensors by name in the order of their bytes
 * @param metadata free text
 */
record SafeTensorsHeader(Map<String, StoredTensor> tensors, Map<String, String> metadata) {
    /** Bytes the format allows a header. */
    static final long LONGEST = 100_000_000;

    private static final String METADATA = "__metadata__";
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    static SafeTensorsHeader read(ByteSource source) throws IOException {
        if (source.length() < 8) {
            throw refused(source, "it has " + source.length() + " bytes, not even the 8 of the header's length");
        }
        byte[] prefix = new byte[8];
        source.read(0, prefix);
        long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (length < 2 || length > LONGEST || length > source.length() - 8) {
            throw refused(
                    source,
                    "its header claims " + Long.toUnsignedString(length) + " bytes; the file has " + source.length()
                            + " and the format allows " + LONGEST);
        }
        byte[] text = new byte[(int) length];
        source.read(8, text);
        JsonNode root = parse(source, text);
        Map<String, String> metadata = new LinkedHashMap<>();
        List<StoredTensor> tensors = new ArrayList<>();
        for (Map.Entry<String, JsonNode> field : root.properties()) {
            if (field.getKey().equals(METADATA)) {
                field.getValue()
                        .properties()
                        .forEach(e -> metadata.put(e.getKey(), e.getValue().asText()));
            } else {
                tensors.add(tensor(source, field.getKey(), field.getValue(), 8 + length));
            }
        }
        return new SafeTensorsHeader(inOrder(source, tensors, 8 + length), Collections.unmodifiableMap(metadata));
    }

    private static JsonNode parse(ByteSource source, byte[] text) throws IOException {
        JsonNode root;
        try {
            root = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw refused(source, "its header is not JSON: " + e.getOriginalMessage());
        }
        if (!root.isObject()) {
            throw refused(source, "its header is not a JSON object");
        }
        return root;
    }

    private static StoredTensor tensor(ByteSource source, String name, JsonNode node, long dataStart) {
        ElementType type = type(source, name, node.path("dtype"));
        List<Long> shape = new ArrayList<>();
        long elements = 1;
        for (JsonNode size : whole(source, name, node, "shape")) {
            shape.add(size.longValue());
            if (size.longValue() < 0
                    || Math.multiplyHigh(elements, size.longValue()) != 0
                    || elements * size.longValue() < 0) {
                throw refused(source, name + " has the impossible shape " + node.path("shape"));
            }
            elements *= size.longValue();
        }
        List<JsonNode> offsets = whole(source, name, node, "data_offsets");
        if (offsets.size() != 2) {
            throw refused(source, name + " has " + offsets.size() + " data_offsets, expected begin and end");
        }
        long begin = offsets.get(0).longValue();
        long end = offsets.get(1).longValue();
        long room = source.length() - dataStart;
        if (begin < 0 || end < begin || end > room) {
            throw refused(
                    source,
                    name + " lies at bytes " + begin + " to " + end + " of " + room + " bytes of data: out of range"
                            + " (a truncated download looks like this)");
        }
        if (elements > room || elements * type.bytes() != end - begin) {
            throw refused(
                    source,
                    name + " is " + type + " " + shape + ", which does not fit its " + (end - begin)
                            + " bytes of data");
        }
        return new StoredTensor(name, type, shape, dataStart + begin, elements);
    }

    private static ElementType type(ByteSource source, String name, JsonNode node) {
        for (ElementType type : ElementType.values()) {
            if (type.name().equals(node.textValue())) {
                return type;
            }
        }
        throw refused(source, name + " has dtype " + node + ", expected one of " + List.of(ElementType.values()));
    }

    private static List<JsonNode> whole(ByteSource source, String name, JsonNode tensor, String field) {
        JsonNode list = tensor.path(field);
        List<JsonNode> numbers = new ArrayList<>();
        list.forEach(numbers::add);
        if (!list.isArray() || !numbers.stream().allMatch(n -> n.isIntegralNumber() && n.canConvertToLong())) {
            throw refused(source, name + " has " + field + " " + list + ", expected a list of whole numbers");
        }
        return numbers;
    }

    private static Map<String, StoredTensor> inOrder(ByteSource source, List<StoredTensor> tensors, long dataStart) {
        Comparator<StoredTensor> byPlace = Comparator.comparingLong(StoredTensor::begin);
        List<StoredTensor> sorted = tensors.stream()
                .sorted(byPlace.thenComparingLong(StoredTensor::bytes))
                .toList();
        Map<String, StoredTensor> ordered = new LinkedHashMap<>();
        long next = dataStart;
        for (StoredTensor tensor : sorted) {
            if (tensor.begin() != next) {
                throw refused(
                        source,
                        tensor.name() + (tensor.begin() < next ? " overlaps the tensor before it" : " follows a hole"));
            }
            next += tensor.bytes();
            ordered.put(tensor.name(), tensor);
        }
        if (next != source.length()) {
            throw refused(source, (source.length() - next) + " bytes at its end belong to no tensor");
        }
        return Collections.unmodifiableMap(ordered);
    }

    private static UserError refused(ByteSource source, String reason) {
        return new UserError(source.name() + ": not a sound safetensors file: " + reason);
    }
}
