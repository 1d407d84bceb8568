package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class TensorBoardEventsTest {
    /** The file that TensorBoard's own {@code RecordWriter} (tensorboard 2.21.0) wrote of the same two events. */
    private static final String BY_TENSORBOARD = """
            1800000000000000a37f4b220900000000000000401a0d627261696e2e4576656e743a32ff2ee0e78000000000000000
            2a5b60ec09000000000000004010032a730a0c0a05726f756e6415000040400a0b0a0474696d6515000000400a0b0a04
            6c6f7373150000c03f0a150a0e776f726b65724368616e67652f30150000803e0a150a0e776f726b65724368616e6765
            2f311577cc2bb10a1b0a14636f6d7072657373696f6e4572726f722f6d6c70150000003fe0cfba02
            """;

    @Test
    void theBytesAreThoseOfTensorBoardsOwnWriter() throws Exception {
        String round = """
                {"round":3,"time":2.0,"loss":1.5,"workerChange":[0.25,-2.5e-9],"compressionError":{"mlp":0.5},
                 "rejected":[2]}""";
        byte[] file = TensorBoardEvents.of(List.of(new ObjectMapper().readTree(round)));
        assertThat(HexFormat.of().formatHex(file)).isEqualTo(BY_TENSORBOARD.replace("\n", ""));
    }
}
