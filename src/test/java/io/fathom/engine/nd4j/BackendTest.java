package io.fathom.engine.nd4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.engine.EngineException;
import io.fathom.engine.nd4j.Backend.Gpu;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The choice of ND4J's backend and device. */
class BackendTest {
    private static final Backend GPUS = new Backend(
            "JCublasBackend", List.of(new Gpu("Tesla P100", 60), new Gpu("NVIDIA L4", 89), new Gpu("NVIDIA H200", 90)));

    @Test
    void withoutNd4jCudaItIsTheProcessorWhateverTheDevice() {
        Backend here = Backend.chosen();
        assertThat(here.name()).isEqualTo("CpuBackend");
        assertThat(here.processor()).isTrue();
        here.require(7);
        here.use(7);
        assertThat(new Nd4jEngine().description(3)).startsWith("nd4j on CpuBackend, ");
        assertThat(new Nd4jEngine().devices()).isOne();
    }

    @Test
    void pascalToAdaCanBeTaken() {
        GPUS.require(0);
        GPUS.require(1);
        assertThat(GPUS.description(1))
                .isEqualTo("nd4j on JCublasBackend, device 1, NVIDIA L4, the reference: correct," + " not fast");
    }

    @Test
    void aGpuWithoutCodeIsAnErrorThatSaysSo() {
        assertThatThrownBy(() -> GPUS.require(2))
                .isInstanceOf(EngineException.class)
                .hasMessage("engine nd4j: NVIDIA H200 is of architecture sm_90; nd4j-cuda has code for sm_37 to sm_89:"
                        + " set engine.name = cuda (Turing and later) or build without -Pnd4j-cuda");
    }

    @Test
    void aDeviceThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> GPUS.require(3))
                .isInstanceOf(EngineException.class)
                .hasMessage("engine nd4j: no device 3: ND4J sees 3 GPUs, counted from 0");
    }
}
