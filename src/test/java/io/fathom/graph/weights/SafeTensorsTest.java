package io.fathom.graph.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.UserError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafeTensorsTest {

    private static SafeTensors open(long headerLength, String header, int dataBytes) {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer file = ByteBuffer.allocate(8 + text.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        return SafeTensors.open(ByteSource.of(
                "w.safetensors", file.putLong(headerLength).put(text).array()));
    }

    private static SafeTensors open(String header, int dataBytes) {
        return open(header.getBytes(StandardCharsets.UTF_8).length, header, dataBytes);
    }

    private static SafeTensors data(String type, int elements, ByteBuffer data) {
        byte[] header = ("{'x':{'dtype':'" + type + "','shape':[" + elements + "],'data_offsets':[0," + data.capacity()
                        + "]}}")
                .replace('\'', '"')
                .getBytes(StandardCharsets.UTF_8);
        ByteBuffer file =
                ByteBuffer.allocate(8 + header.length + data.capacity()).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(header.length).put(header).put(data.rewind());
        return SafeTensors.open(ByteSource.of("w.safetensors", file.array()));
    }

    private static ByteBuffer bytes(int count) {
        return ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}} | 12 | b overlaps the tensor before it
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}} | 12 | b follows a hole
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} | 9 | 5 bytes at its end belong to no tensor
            {"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}} | 10 | out of range (a truncated download looks like this)
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}} | 0 | out of range
            {"a":{"dtype":"F32","shape":[0],"data_offsets":[4,0]}} | 4 | out of range
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}} | 4 | out of range
            {"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}} | 8 | does not fit its 8 bytes
            {"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}} | 0 | impossible shape
            {"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}} | 0 | does not fit
            {"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}} | 4 | impossible shape
            {"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}} | 4 | a list of whole numbers
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}} | 4 | has 1 data_offsets
            {"a":{"dtype":"F32","shape":[1],"data_offsets":"all"}} | 4 | a list of whole numbers
            {"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}} | 4 | a list of whole numbers
            {"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}} | 1 | has dtype "F8_E4M3"
            {"a":{"shape":[1],"data_offsets":[0,4]}} | 4 | expected one of [F64
            {"a":7} | 0 | has dtype
            {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} | 4 | Duplicate field 'a'
            [1,2] | 0 | not a JSON object
            {"a": | 0 | not JSON
            {} {} | 0 | not JSON
            """)
    void refusesAnUnsoundHeader(String header, int dataBytes, String reason) {
        assertThatThrownBy(() -> open(header, dataBytes))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("w.safetensors: not a sound safetensors file: ")
                .hasMessageContaining(reason);
    }

    @Test
    void refusesAHeaderLongerThanTheFileWithoutTakingItsMemory() {
        assertThatThrownBy(() -> open(Long.MAX_VALUE, "{}", 0))
                .hasMessageContaining("claims 9223372036854775807 bytes");
        assertThatThrownBy(() -> open(-1, "{}", 0)).hasMessageContaining("claims 18446744073709551615 bytes");
        assertThatThrownBy(() -> open(3, "{}", 0)).hasMessageContaining("claims 3 bytes");
        assertThatThrownBy(() -> open(99_000_000, "{}", 0)).hasMessageContaining("claims 99000000 bytes");
        assertThatThrownBy(() -> SafeTensors.open(ByteSource.of("w", new byte[5])))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("has 5 bytes, not even the 8");
    }

    @Test
    void refusesAHeaderNestedWithoutEnd() {
        assertThatThrownBy(() -> open("{\"a\":" + "[".repeat(200_000), 0))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("not JSON");
    }

    @Test
    void refusesAFileCutAnywhere() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new SafeTensorsWriter().add("a", List.of(3, 2), new float[6], 0).writeTo(out);
        byte[] whole = out.toByteArray();
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> SafeTensors.open(ByteSource.of("cut", cut)))
                    .isInstanceOf(UserError.class);
        }
        assertThat(SafeTensors.open(ByteSource.of("whole", whole)).floats("a")).hasSize(6);
    }

    @Test
    void randomBytesNeverCrashIt() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 2000; i++) {
            byte[] noise = new byte[random.nextInt(200)];
            random.nextBytes(noise);
            if (noise.length > 10 && i % 2 == 0) {
                ByteBuffer.wrap(noise)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(random.nextInt(noise.length - 8))
                        .put((byte) '{');
            }
            assertThatThrownBy(() -> SafeTensors.open(ByteSource.of("noise", noise)))
                    .isInstanceOf(UserError.class);
        }
    }

    @Test
    void readsEveryType() {
        assertThat(data("F64", 2, bytes(16).putDouble(0.1).putDouble(-2)).doubles("x"))
                .containsExactly(0.1, -2);
        assertThat(data("F32", 2, bytes(8).putFloat(0.1f).putFloat(-2)).floats("x"))
                .containsExactly(0.1f, -2);
        assertThat(data("BF16", 2, bytes(4).putShort((short) 0x3f80).putShort((short) 0xc040))
                        .floats("x"))
                .containsExactly(1, -3);
        ByteBuffer halves = bytes(14);
        for (int bits : new int[] {0x3c00, 0xc000, 0x3555, 0x0001, 0x0400, 0x7bff, 0x8000}) {
            halves.putShort((short) bits);
        }
        assertThat(data("F16", 7, halves).floats("x"))
                .containsExactly(1, -2, 0.33325195f, 0x1p-24f, 0x1p-14f, 65504, -0f);
        assertThat(data("I64", 2, bytes(16).putLong(7).putLong(-8)).integers("x"))
                .containsExactly(7, -8);
        assertThat(data("I32", 1, bytes(4).putInt(-9)).integers("x")).containsExactly(-9);
        assertThat(data("U8", 1, bytes(1).put((byte) 200)).integers("x")).containsExactly(200);
        assertThat(data("BOOL", 2, bytes(2).put((byte) 1).put((byte) 0)).integers("x"))
                .containsExactly(1, 0);
    }

    @Test
    void refusesWeightsThatAreNotFiniteNumbers() {
        assertThatThrownBy(() ->
                        data("F32", 2, bytes(8).putFloat(1).putFloat(Float.NaN)).floats("x"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("x[1] is NaN, weights must be finite");
        assertThatThrownBy(
                        () -> data("F16", 1, bytes(2).putShort((short) 0x7c00)).floats("x"))
                .hasMessageContaining("x[0] is Infinity");
        assertThatThrownBy(() -> data("F64", 1, bytes(8).putDouble(1e300)).floats("x"))
                .hasMessageContaining("x[0] is 1.0E300");
        assertThatThrownBy(() -> data("I64", 1, bytes(8)).floats("x")).hasMessageContaining("x is I64, expected F64");
        assertThatThrownBy(() -> data("F32", 1, bytes(4)).integers("x")).hasMessageContaining("expected integers");
        assertThatThrownBy(() -> data("I64", 1, bytes(8).putLong(1L << 40)).integers("x"))
                .hasMessageContaining("above what an int holds");
        assertThatThrownBy(() -> data("F32", 1, bytes(4)).floats("y")).hasMessageContaining("has no tensor y");
    }

    @Test
    void readsBackWhatItWroteBitForBit() throws IOException {
        float[] values = new float[700_001];
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 0; i < values.length; i++) {
            float value = Float.intBitsToFloat(random.nextInt());
            values[i] = Float.isFinite(value) ? value : -0f;
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new SafeTensorsWriter()
                .metadata("format", "pt")
                .add("odd", List.of(values.length - 2), values, 1)
                .add("scalar", List.of(), values, 0)
                .add("empty", List.of(0, 3), values, 0)
                .writeTo(out);
        SafeTensors read = SafeTensors.open(ByteSource.of("mine", out.toByteArray()));
        assertThat(read.metadata()).containsEntry("format", "pt");
        assertThat(read.tensor("odd").begin() % 8).isZero();
        float[] odd = read.floats("odd");
        for (int i = 0; i < odd.length; i++) {
            assertThat(Float.floatToRawIntBits(odd[i])).isEqualTo(Float.floatToRawIntBits(values[i + 1]));
        }
        assertThat(read.floats("scalar")).containsExactly(values[0]);
        assertThat(read.floats("empty")).isEmpty();
    }
}
