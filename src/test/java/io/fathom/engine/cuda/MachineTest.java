package io.fathom.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fathom.engine.EngineException;
import io.fathom.engine.Precision;
import io.fathom.model.Gate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a machine lacks is named with its remedy; what was compiled or measured once is kept. */
class MachineTest {
    @TempDir
    Path folder;

    private List<Path> kept() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void missingLibrariesAreNamed() {
        assertThat(Libraries.explain("/a/libjnicudart.so: libcuda.so.1: cannot open shared object file: No such file"))
                .startsWith("libcuda.so.1 is missing: install the NVIDIA driver");
        assertThat(Libraries.explain("libcublasLt.so.13: cannot open shared object file"))
                .startsWith("libcublasLt.so.13 is missing: install the CUDA 13 libraries");
    }

    @Test
    void anOldDriverIsNamed() {
        assertThatThrownBy(() -> Libraries.requireDriver(12040))
                .isInstanceOf(EngineException.class)
                .hasMessage("engine cuda: the driver supports CUDA 12.4, needed is 13.0: install driver 580 or newer,"
                        + " or set engine.name = cpu");
        assertThatCode(() -> Libraries.requireDriver(13000)).doesNotThrowAnyException();
    }

    @Test
    void aDeviceThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> Device.requireIndex(3, 2))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("no device 3: this process sees 2 GPUs");
    }

    @Test
    void anOldArchitectureIsNamed() {
        Device pascal = new Device(0, "Tesla P100", 60, 56, 49152, 16L << 30);
        assertThatThrownBy(pascal::requireArchitecture)
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("Tesla P100 is of architecture sm_60")
                .hasMessageContaining("engine.name = cpu");
        Device turing = new Device(0, "T4", 75, 40, 65536, 16L << 30);
        turing.requireArchitecture();
        turing.require(Precision.FLOAT32);
        assertThatThrownBy(() -> turing.require(Precision.BF16))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("engine.precision = float32");
        assertThatThrownBy(() -> turing.require(Precision.FLOAT64)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void measuredChoicesOutliveTheProcess() throws IOException {
        ProductChoices choices = new ProductChoices(folder, "NVIDIA H200", 130200);
        assertThat(choices.find("a")).isEmpty();
        choices.put("a", new long[] {1, -1, 3, 4, 5, 6, 7, 8});
        choices.save();
        assertThat(new ProductChoices(folder, "NVIDIA H200", 130200).find("a"))
                .hasValueSatisfying(words -> assertThat(words).containsExactly(1, -1, 3, 4, 5, 6, 7, 8));
        assertThat(new ProductChoices(folder, "NVIDIA H200", 130300).find("a")).isEmpty();
        for (Path file : kept()) {
            Files.writeString(file, "torn\tline");
        }
        assertThat(new ProductChoices(folder, "NVIDIA H200", 130200).find("a")).isEmpty();
    }

    @Test
    void cacheNamesDependOnSourceOptionsAndCompiler() {
        String key = KernelCompiler.key("text", List.of("-a"), "13.0");
        assertThat(key).hasSize(32).isEqualTo(KernelCompiler.key("text", List.of("-a"), "13.0"));
        assertThat(key)
                .isNotEqualTo(KernelCompiler.key("texts", List.of("-a"), "13.0"))
                .isNotEqualTo(KernelCompiler.key("text", List.of("-b"), "13.0"))
                .isNotEqualTo(KernelCompiler.key("text", List.of("-a"), "13.1"));
    }

    @Test
    void kernelsCompileForEveryArchitectureAndAreKept() throws IOException {
        try {
            Libraries.loadCompiler();
        } catch (EngineException e) {
            assumeTrue(false, "skipped: " + e.getMessage());
        }
        KernelCompiler compiler = new KernelCompiler(folder);
        for (int architecture : new int[] {75, 80, 90, 120}) {
            for (int width : new int[] {24, 33, 768}) {
                for (boolean narrow : new boolean[] {false, true}) {
                    if (!narrow || architecture >= 80) {
                        KernelSource source =
                                new KernelSource(narrow, width, width == 768 ? 64 : width / 3, Gate.SIGMOID);
                        byte[] code = compiler.compile(source, architecture);
                        assertThat(code).hasSizeGreaterThan(50_000);
                        assertThat(compiler.compile(source, architecture)).isEqualTo(code);
                    }
                }
            }
        }
        assertThat(kept()).hasSize(21);
    }
}
