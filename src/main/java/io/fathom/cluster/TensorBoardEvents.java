package io.fathom.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * The numbers of {@code metrics.jsonl} as a TensorBoard event file.
 *
 * <p>Records of: length (8 bytes, little-endian), its masked CRC32C, an {@code Event} protocol buffer, its masked
 * CRC32C. Masked: the checksum rotated right by 15 bits, plus 0xa282ead8. Of an Event: {@code wall_time} (field 1,
 * double), {@code step} (2, int64), {@code file_version} (3, string, in the first record alone), {@code summary} (5) of
 * values (1) with {@code tag} (1, string) and {@code simple_value} (2, float).
 */
final class TensorBoardEvents {
    private static final int MASK_DELTA = 0xa282ead8;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private TensorBoardEvents() {}

    /** The event file of {@code rounds}, one object a round, whose {@code time} is in seconds. */
    static byte[] of(List<JsonNode> rounds) {
        TensorBoardEvents events = new TensorBoardEvents();
        Message version = new Message();
        version.fixed64(1, rounds.isEmpty() ? 0 : rounds.get(0).path("time").asDouble());
        version.bytes(3, "brain.Event:2".getBytes(StandardCharsets.UTF_8));
        events.record(version.toBytes());
        for (JsonNode round : rounds) {
            Message summary = new Message();
            values("", round, summary);
            Message event = new Message();
            event.fixed64(1, round.path("time").asDouble());
            event.varint(2, round.path("round").asLong());
            event.bytes(5, summary.toBytes());
            events.record(event.toBytes());
        }
        return events.out.toByteArray();
    }

    /** Numbers as they are; those of objects and lists by their key or place; lists of workers, whole numbers, not. */
    private static void values(String tag, JsonNode value, Message summary) {
        if (value.isNumber()) {
            Message scalar = new Message();
            scalar.bytes(1, tag.getBytes(StandardCharsets.UTF_8));
            scalar.fixed32(2, (float) value.asDouble());
            summary.bytes(1, scalar.toBytes());
        }
        String prefix = tag.isEmpty() ? "" : tag + "/";
        for (Map.Entry<String, JsonNode> field : value.properties()) {
            values(prefix + field.getKey(), field.getValue(), summary);
        }
        for (int i = 0; value.isArray() && i < value.size(); i++) {
            if (value.get(i).isFloatingPointNumber()) {
                values(prefix + i, value.get(i), summary);
            }
        }
    }

    private void record(byte[] event) {
        byte[] length = ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(event.length)
                .array();
        out.writeBytes(length);
        out.writeBytes(masked(length));
        out.writeBytes(event);
        out.writeBytes(masked(event));
    }

    private static byte[] masked(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        int masked = Integer.rotateRight((int) crc.getValue(), 15) + MASK_DELTA;
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(masked)
                .array();
    }

    /** A protocol buffer in the making. */
    private static final class Message {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        void varint(int field, long value) {
            raw((long) field << 3);
            raw(value);
        }

        void fixed64(int field, double value) {
            raw((long) field << 3 | 1);
            out.writeBytes(ByteBuffer.allocate(Double.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putDouble(value)
                    .array());
        }

        void bytes(int field, byte[] value) {
            raw((long) field << 3 | 2);
            raw(value.length);
            out.writeBytes(value);
        }

        void fixed32(int field, float value) {
            raw((long) field << 3 | 5);
            out.writeBytes(ByteBuffer.allocate(Float.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putFloat(value)
                    .array());
        }

        private void raw(long value) {
            long rest = value;
            while ((rest & ~0x7FL) != 0) {
                out.write((int) (rest & 0x7F) | 0x80);
                rest >>>= 7;
            }
            out.write((int) rest);
        }

        byte[] toBytes() {
            return out.toByteArray();
        }
    }
}
