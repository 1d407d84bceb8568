package io.fathom.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.model.Flops;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The FLOPs of the formula are those of the compiled instructions, to the last one. */
class CountedFlopsTest {
    static Stream<ModelSpec> models() {
        return Stream.of(
                new ModelSpec(257, 32, 24, 3, 4, new Routing.Dense()),
                new ModelSpec(257, 32, 24, 3, 4, new Routing.ExpertChoice(2, 1, 0.125, Gate.SIGMOID, 0.01, true)),
                new ModelSpec(97, 16, 20, 2, 5, new Routing.ExpertChoice(2, 1, 0.5, Gate.RAW, 0, false)),
                new ModelSpec(97, 16, 20, 2, 3, new Routing.ExpertChoice(1, 0, 0.25, Gate.TANH, 0.1, true)),
                new ModelSpec(61, 9, 10, 5, 6, new Routing.ExpertChoice(3, 0, 0.3, Gate.SIGMOID, 0.01, true)),
                new ModelSpec(97, 16, 20, 2, 4, new Routing.TokenChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, 0)),
                new ModelSpec(97, 16, 20, 2, 4, new Routing.Stochastic(2, 1, 0.25, Gate.SIGMOID)));
    }

    @ParameterizedTest
    @MethodSource("models")
    void formulaEqualsCount(ModelSpec spec) {
        Flops flops = new Flops(spec);
        int sequences = 3;
        assertThat(Programs.inference(spec, sequences).flops()).isEqualTo(sequences * flops.forward());
        assertThat(Programs.training(spec, sequences).flops()).isEqualTo(sequences * flops.training());
    }
}
