package io.fathom.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fathom.engine.EngineException;
import io.fathom.engine.Precision;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
    void cacheNamesDependOnSourceTargetOptionsAndCompiler() {
        String key = KernelCompiler.key("text", "sm_90", List.of("-a"), "13.0");
        assertThat(key).hasSize(32).isEqualTo(KernelCompiler.key("text", "sm_90", List.of("-a"), "13.0"));
        assertThat(key)
                .isNotEqualTo(KernelCompiler.key("texts", "sm_90", List.of("-a"), "13.0"))
                .isNotEqualTo(KernelCompiler.key("text", "sm_80", List.of("-a"), "13.0"))
                .isNotEqualTo(KernelCompiler.key("text", "sm_90", List.of("-b"), "13.0"))
                .isNotEqualTo(KernelCompiler.key("text", "sm_90", List.of("-a"), "nvcc 13.0.88"));
    }

    /** A compiler that knows two architectures, and makes of a text what was asked of it. */
    private static CodeMaker compilerOf(List<String> asked) {
        return new CodeMaker() {
            @Override
            public String version() {
                return "1";
            }

            @Override
            public List<Integer> architectures() {
                return List.of(90, 80);
            }

            @Override
            public byte[] compile(String text, String target, List<String> options) {
                asked.add(target);
                return target.getBytes(StandardCharsets.UTF_8);
            }
        };
    }

    @Test
    void newerArchitecturesGetTheNewestPtxAndOlderOnesAnError() throws IOException {
        List<String> asked = new ArrayList<>();
        KernelCompiler compiler = new KernelCompiler(folder, () -> compilerOf(asked));
        KernelSource source = new KernelSource(true, 128, 64, Gate.SIGMOID);
        assertThat(compiler.compile(source, 120)).asString().isEqualTo("compute_90");
        assertThat(compiler.compile(source, 90)).asString().isEqualTo("sm_90a");
        assertThat(compiler.compile(source, 80)).asString().isEqualTo("sm_80");
        assertThat(compiler.compile(source, 80)).asString().isEqualTo("sm_80");
        assertThat(asked).containsExactly("compute_90", "sm_90a", "sm_80");
        assertThat(kept()).hasSize(3);
        assertThatThrownBy(() -> compiler.compile(source, 75))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("makes no code for sm_75");
    }

    @Test
    void kernelsCompileForEveryArchitectureAndAreKept() throws IOException {
        CodeMaker maker;
        try {
            maker = CodeMaker.ofMachine();
        } catch (EngineException e) {
            assumeTrue(false, "skipped: " + e.getMessage());
            return;
        }
        System.out.println("kernels compiled by " + maker.version());
        KernelCompiler compiler = new KernelCompiler(folder, () -> maker);
        int compiled = 0;
        for (int architecture : new int[] {75, 80, 90, 120}) {
            for (int width : new int[] {33, 768}) {
                for (boolean narrow : new boolean[] {false, true}) {
                    if (narrow && architecture < 80) {
                        continue;
                    }
                    int heads = width == 768 ? 12 : 3;
                    ModelSpec spec = new ModelSpec(257, 64, width, heads, 2, new Routing.Dense());
                    List<CompilationUnit> units = List.of(
                            new KernelSource(narrow, width, width / heads, Gate.SIGMOID),
                            new DecodingSource(spec, narrow));
                    for (CompilationUnit unit : units) {
                        byte[] code = compiler.compile(unit, architecture);
                        assertThat(code).hasSizeGreaterThan(50_000);
                        assertThat(compiler.compile(unit, architecture)).isEqualTo(code);
                        compiled++;
                    }
                }
            }
        }
        assertThat(kept()).hasSize(compiled);
    }

    @Test
    void whatDoesNotCompileIsToldInTheCompilersWords() {
        CodeMaker maker;
        try {
            maker = CodeMaker.ofMachine();
        } catch (EngineException e) {
            assumeTrue(false, "skipped: " + e.getMessage());
            return;
        }
        assertThatThrownBy(() -> maker.compile("__global__ void f() { nothing(); }", "sm_80", List.of()))
                .isInstanceOf(EngineException.class)
                .hasMessageContaining("the kernels do not compile")
                .hasMessageContaining("nothing");
    }
}
