package io.fathom.graph.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes F32 tensors as one safetensors file: slices of float arrays, added one by one, then written at once. */
public final class SafeTensorsWriter {
    private static final int CHUNK = 1 << 18;

    private record Slice(String name, List<Integer> shape, float[] values, int offset, int length) {}

    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final List<Slice> slices = new ArrayList<>();

    /** Free text for the header. */
    public SafeTensorsWriter metadata(String key, String value) {
        metadata.put(key, value);
        return this;
    }

    /** The tensor {@code name}: as many of {@code values} from {@code offset} as its {@code shape} has. */
    public SafeTensorsWriter add(String name, List<Integer> shape, float[] values, int offset) {
        int length = shape.stream().reduce(1, Math::multiplyExact);
        slices.add(new Slice(name, shape, values, offset, length));
        return this;
    }

    /** Writes the file to {@code out}, which stays open. */
    public void writeTo(OutputStream out) throws IOException {
        byte[] header = header();
        out.write(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .array());
        out.write(header);
        for (Slice slice : slices) {
            for (int from = 0; from < slice.length; from += CHUNK) {
                int count = Math.min(CHUNK, slice.length - from);
                ByteBuffer bytes = ByteBuffer.allocate(count * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
                bytes.asFloatBuffer().put(slice.values, slice.offset + from, count);
                out.write(bytes.array());
            }
        }
    }

    private byte[] header() throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeObjectFieldStart("__metadata__");
                for (Map.Entry<String, String> entry : metadata.entrySet()) {
                    json.writeStringField(entry.getKey(), entry.getValue());
                }
                json.writeEndObject();
            }
            long at = 0;
            for (Slice slice : slices) {
                json.writeObjectFieldStart(slice.name);
                json.writeStringField("dtype", "F32");
                json.writeFieldName("shape");
                json.writeArray(slice.shape.stream().mapToInt(Integer::intValue).toArray(), 0, slice.shape.size());
                long end = at + (long) slice.length * Float.BYTES;
                json.writeFieldName("data_offsets");
                json.writeArray(new long[] {at, end}, 0, 2);
                json.writeEndObject();
                at = end;
            }
            json.writeEndObject();
        }
        // The format asks for data aligned to 8 bytes and lets the header end in spaces.
        while (text.size() % 8 != 0) {
            text.write(' ');
        }
        return text.toByteArray();
    }
}
