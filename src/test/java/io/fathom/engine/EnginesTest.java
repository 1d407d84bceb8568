package io.fathom.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.UserError;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EnginesTest {
    @Test
    void autoTakesCudaWhereItCanAndElseSaysWhyNot() {
        assertThat(Engines.auto(Optional.empty()).name()).isEqualTo("cuda");
        Engine processor = Engines.auto(Optional.of("no NVIDIA driver on this machine"));
        assertThat(processor.name()).isEqualTo("cpu");
        assertThat(processor.description())
                .startsWith("cpu: ")
                .endsWith("; not cuda: no NVIDIA driver on this machine")
                .hasLineCount(1);
        assertThat(processor.devices()).isOne();
    }

    @Test
    void aPrecisionThatAnEngineLacksIsToldBeforeItRuns() {
        Engine processor = Engines.named("cpu");
        assertThat(Precision.named("float32", processor)).isEqualTo(Precision.FLOAT32);
        assertThatThrownBy(() -> Precision.named("bf16", processor))
                .isInstanceOf(UserError.class)
                .hasMessage(
                        "engine.precision = bf16: engine cpu computes in float32; set that, or another engine.name");
        assertThat(Precision.named("float64", Engines.named("nd4j"))).isEqualTo(Precision.FLOAT64);
    }

    @Test
    void anUnknownNameIsNamed() {
        assertThatThrownBy(() -> Engines.named("gpu"))
                .isInstanceOf(UserError.class)
                .hasMessage("engine.name = gpu: must be one of auto, cuda, cpu, nd4j");
    }
}
