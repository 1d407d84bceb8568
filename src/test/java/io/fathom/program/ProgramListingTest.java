package io.fathom.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import org.junit.jupiter.api.Test;

class ProgramListingTest {
    @Test
    void listsEveryInstructionWithItsShapesFlopsAndBytes() {
        ModelSpec spec =
                new ModelSpec(61, 16, 8, 2, 2, new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, false));
        Program program = Programs.training(spec, 3);
        String listing = ProgramListing.of(program);
        assertThat(listing.lines().count()).isEqualTo(program.instructions().size() + 3L);
        // 2 * 48 * 24 * 8 FLOPs; 48 x 8 activations, 8 x 24 weights, 24 biases and 48 x 24 results of 4 bytes.
        assertThat(listing)
                .containsPattern("MatMul +0\\.018 MFLOP +6\\.8 KiB +h\\.0\\.attn\\.c_attn \\[48, 24] <- h\\.0\\.ln_1")
                .contains("h.1.topk [12, 1]")
                .contains(program.instructions().size() + " instructions")
                .contains("MiB at the peak");
    }
}
