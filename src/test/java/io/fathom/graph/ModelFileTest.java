package io.fathom.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fathom.config.UserError;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.engine.nd4j.Nd4jEngine;
import io.fathom.engine.verify.ReferenceCase;
import io.fathom.model.Batch;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.Routing;
import io.fathom.program.Program;
import io.fathom.program.Programs;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SameDiff;

class ModelFileTest {
    /** A program of a user who has DL4J and not Fathom. */
    private static final String STRANGER = """
            import java.io.File;
            import java.util.Map;
            import org.nd4j.autodiff.samediff.SameDiff;
            import org.nd4j.linalg.api.buffer.DataType;
            import org.nd4j.linalg.api.ndarray.INDArray;
            import org.nd4j.linalg.factory.Nd4j;

            public class Stranger {
                public static void main(String[] args) {
                    SameDiff model = SameDiff.load(new File(args[0]), false);
                    int[] tokens = java.util.Arrays.stream(args[1].split(",")).mapToInt(Integer::parseInt).toArray();
                    INDArray ids = Nd4j.createFromArray(tokens).reshape(1, tokens.length);
                    INDArray logits = model.output(Map.of("tokens", ids, "targets", ids), "logits").get("logits");
                    for (double logit : logits.dup('c').reshape(logits.length()).castTo(DataType.DOUBLE).toDoubleVector()) {
                        System.out.println("logit " + logit);
                    }
                    System.exit(0);
                }
            }
            """;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"dense", "mod_raw", "mod_sigmoid_predictor", "mod_every_block"})
    void compilesToTheSameProgramWhenLoaded(String name) throws Exception {
        ReferenceCase reference = ReferenceCase.shipped(name);
        Path file = directory.resolve("model.fb");
        ModelFile.write(reference.spec(), reference.parameters(), file);
        SameDiff loaded = SameDiff.load(file.toFile(), false);
        Program built = Programs.training(reference.spec(), 1);
        Program read = Programs.training(loaded, reference.spec(), 1);
        assertThat(read.instructions()).isEqualTo(built.instructions());
        assertThat(read.memory()).isEqualTo(built.memory());
        assertThat(directory.toFile().list()).containsExactly("model.fb");
    }

    @Test
    void givesTheSameLogitsInAVirtualMachineWithoutFathom() throws Exception {
        ReferenceCase reference = ReferenceCase.shipped("mod_sigmoid_predictor");
        Path file = directory.resolve("model.fb");
        ModelFile.write(reference.spec(), reference.parameters(), file);
        int length = reference.spec().context();
        Batch batch = reference.batch(0);
        int[] tokens = Arrays.copyOf(batch.tokens(), length);
        int[] targets = Arrays.copyOf(batch.targets(), length);

        List<Double> found = stranger(file, tokens);

        try (Session session = new Nd4jEngine().open(Programs.inference(reference.spec(), 1), SessionOptions.DEFAULT)) {
            session.write(Session.Vector.PARAMETERS, reference.parameters());
            session.run(new Batch(1, length, tokens, targets));
            double[] expected = session.output("logits");
            assertThat(found).hasSize(expected.length);
            for (int i = 0; i < expected.length; i++) {
                assertThat(found.get(i)).isCloseTo(expected[i], within(1e-5));
            }
        }
    }

    private List<Double> stranger(Path model, int[] tokens) throws Exception {
        Path source = directory.resolve("Stranger.java");
        Files.writeString(source, STRANGER);
        String ours = File.separator + "target" + File.separator;
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.contains(ours))
                .collect(Collectors.joining(File.pathSeparator));
        String ids = Arrays.stream(tokens).mapToObj(String::valueOf).collect(Collectors.joining(","));
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx512m",
                        "-cp",
                        classPath,
                        source.toString(),
                        model.toString(),
                        ids)
                .redirectErrorStream(true)
                .start();
        List<String> lines = new String(
                        process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8)
                .lines()
                .toList();
        assertThat(process.waitFor()).as(String.join("\n", lines)).isZero();
        return lines.stream()
                .filter(line -> line.startsWith("logit "))
                .map(line -> Double.valueOf(line.substring("logit ".length())))
                .toList();
    }

    @Test
    void refusesAModelThatTheFormatCannotHold() {
        ModelSpec large =
                new ModelSpec(50257, 1024, 1024, 16, 24, new Routing.ExpertChoice(2, 1, 0.125, Gate.SIGMOID, 0, true));
        assertThatThrownBy(() -> ModelFile.write(large, new float[0], directory.resolve("large.fb")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("1 GiB")
                .hasMessageContaining("safetensors");
    }

    @Test
    void namesWhatItCannotCompile() {
        SameDiff other = SameDiff.create();
        other.identity("total", other.constant("c", 1.0).add(2).mean());
        ModelSpec spec = new ModelSpec(5, 4, 4, 2, 1, new Routing.Dense());
        assertThatThrownBy(() -> Programs.training(other, spec, 1))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("reduce_mean");
        assertThatThrownBy(() -> Programs.training(SameDiff.create(), spec, 1))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("total");
    }
}
