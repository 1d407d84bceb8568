package io.fathom.graph;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.config.UserError;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A file of named tensors in the safetensors format: the length of the header as a little-endian u64, the header as
 * JSON (name -> dtype, shape, data_offsets), then the data.
 *
 * <p>Reads F64, F32 and I64. Throws {@link UserError} that names the file for headers that do not parse, unknown types,
 * shapes that do not fit their bytes, and offsets that overlap, leave holes or pass the end.
 */
public final class Safetensors {
    private static final Set<String> TYPES = Set.of("F64", "F32", "I64");
    private static final int LARGEST_HEADER = 100_000_000;

    private record Entry(String name, String type, List<Long> shape, long begin, long end) {}

    private final String file;
    private final ByteBuffer data;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private Safetensors(String file, ByteBuffer data) {
        this.file = file;
        this.data = data;
    }

    /** Parses {@code content}, the whole of the file {@code file}. */
    public static Safetensors parse(String file, byte[] content) {
        ByteBuffer bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        if (content.length < 8) {
            throw bad(file, "has " + content.length + " bytes, the header's length alone takes 8");
        }
        long headerLength = bytes.getLong(0);
        if (headerLength < 2 || headerLength > Math.min(LARGEST_HEADER, content.length - 8L)) {
            throw bad(
                    file,
                    "says its header has " + Long.toUnsignedString(headerLength) + " bytes, the file has "
                            + content.length);
        }
        JsonNode header;
        try {
            header = new ObjectMapper().readTree(new String(content, 8, (int) headerLength, StandardCharsets.UTF_8));
        } catch (JsonProcessingException e) {
            throw bad(file, "has a header that is not JSON: " + e.getOriginalMessage());
        }
        if (!header.isObject()) {
            throw bad(file, "has a header that is not a JSON object");
        }
        int start = 8 + (int) headerLength;
        Safetensors tensors =
                new Safetensors(file, bytes.slice(start, content.length - start).order(ByteOrder.LITTLE_ENDIAN));
        header.properties().forEach(field -> {
            if (!field.getKey().equals("__metadata__")) {
                tensors.entries.put(field.getKey(), tensors.entry(field.getKey(), field.getValue()));
            }
        });
        tensors.requireGapless();
        return tensors;
    }

    private Entry entry(String name, JsonNode node) {
        String type = node.path("dtype").asText();
        if (!TYPES.contains(type)) {
            throw bad(file, "holds " + name + " as " + type + "; expected one of " + TYPES);
        }
        JsonNode offsets = node.path("data_offsets");
        JsonNode sizes = node.path("shape");
        if (!sizes.isArray() || offsets.size() != 2) {
            throw bad(file, "lacks the shape or the two data_offsets of " + name);
        }
        List<Long> shape = new ArrayList<>();
        long length = type.equals("F32") ? 4 : 8;
        try {
            for (JsonNode size : sizes) {
                if (!size.canConvertToLong() || size.asLong() < 0) {
                    throw bad(file, "gives " + name + " the shape " + sizes);
                }
                shape.add(size.asLong());
                length = Math.multiplyExact(length, size.asLong());
            }
        } catch (ArithmeticException e) {
            throw bad(file, "gives " + name + " the shape " + sizes + ", more than any memory");
        }
        long begin = offsets.get(0).asLong(-1);
        long end = offsets.get(1).asLong(-1);
        if (begin < 0 || end < begin || end > data.limit() || end - begin != length) {
            throw bad(
                    file,
                    "places " + name + " of " + length + " bytes at " + offsets + " within " + data.limit()
                            + " bytes of data");
        }
        return new Entry(name, type, shape, begin, end);
    }

    private void requireGapless() {
        List<Entry> byPlace = new ArrayList<>(entries.values());
        byPlace.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        long next = 0;
        for (Entry entry : byPlace) {
            if (entry.begin != next) {
                throw bad(
                        file,
                        "has " + (entry.begin < next ? "overlapping data" : "a hole") + " before " + entry.name
                                + ": it begins at " + entry.begin + ", expected " + next);
            }
            next = entry.end;
        }
        if (next != data.limit()) {
            throw bad(file, "has " + (data.limit() - next) + " bytes that belong to no tensor");
        }
    }

    private static UserError bad(String file, String what) {
        return new UserError(file + " " + what + "; it is not a whole safetensors file, fetch or export it again");
    }

    /** The names in it, in the order of the header. */
    public Set<String> names() {
        return Set.copyOf(entries.keySet());
    }

    /** Whether it holds {@code name}. */
    public boolean contains(String name) {
        return entries.containsKey(name);
    }

    /** The shape of {@code name}. */
    public List<Long> shape(String name) {
        return find(name).shape;
    }

    /** The elements of {@code name} row by row, as doubles; every type converts. */
    public double[] doubles(String name) {
        Entry entry = find(name);
        int width = entry.type.equals("F32") ? 4 : 8;
        double[] values = new double[Math.toIntExact((entry.end - entry.begin) / width)];
        for (int i = 0; i < values.length; i++) {
            int at = Math.toIntExact(entry.begin) + i * width;
            values[i] = switch (entry.type) {
                case "F32" -> data.getFloat(at);
                case "F64" -> data.getDouble(at);
                default -> data.getLong(at);
            };
        }
        return values;
    }

    /** The elements of {@code name}, which must be F32, row by row. */
    public float[] floats(String name) {
        Entry entry = find(name);
        if (!entry.type.equals("F32")) {
            throw bad(file, "holds " + name + " as " + entry.type + "; expected F32");
        }
        float[] values = new float[Math.toIntExact((entry.end - entry.begin) / 4)];
        data.slice(Math.toIntExact(entry.begin), values.length * 4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer()
                .get(values);
        return values;
    }

    /** The elements of {@code name} as ints: token ids, positions. */
    public int[] ints(String name) {
        double[] values = doubles(name);
        int[] ints = new int[values.length];
        for (int i = 0; i < ints.length; i++) {
            ints[i] = (int) values[i];
        }
        return ints;
    }

    private Entry find(String name) {
        Entry entry = entries.get(name);
        if (entry == null) {
            throw new UserError(file + " has no tensor named " + name);
        }
        return entry;
    }
}
