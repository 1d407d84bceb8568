package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class TensorBoardEventsTest {
    /** The file that TensorBoard's own writer makes of the same two events, for version and round 3. */
    @Test
    void theBytesAreThoseOfTheFormat() throws Exception {
        ObjectMapper json = new ObjectMapper();
        byte[] file = TensorBoardEvents.of(List.of(json.readTree(
                "{\"round\":3,\"time\":2.0,\"loss\":1.5,\"compressionError\":{\"mlp\":0.5},\"rejected\":[]}")));
        String text = new String(file, StandardCharsets.ISO_8859_1);
        assertThat(text)
                .contains("brain.Event:2", "loss", "compressionError/mlp")
                .doesNotContain("rejected");
        // Length 24 as 8 bytes, then the masked CRC32C of those bytes.
        assertThat(HexFormat.of().formatHex(file, 0, 12)).isEqualTo("1800000000000000a37f4b22");
    }
}
