package io.fathom.graph.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fathom.config.UserError;
import io.fathom.decode.CausalRule;
import io.fathom.decode.Decoder;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.model.Tensor;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Gpt2ImportTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden/hf_gpt2_tiny");
    private static final Routing ROUTING = new Routing.ExpertChoice(2, 1, 0.25, Gate.TANH, 0.01, true);

    @TempDir
    Path directory;

    @BeforeEach
    void copy() throws IOException {
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(GOLDEN.resolve(file), directory.resolve(file));
        }
    }

    private Weights read() {
        return Gpt2Import.read(new LocalFiles(directory));
    }

    private void write(String file, SafeTensorsWriter writer) throws IOException {
        try (OutputStream out = Files.newOutputStream(directory.resolve(file))) {
            writer.writeTo(out);
        }
    }

    private void editConfig(String from, String to) throws IOException {
        Path config = directory.resolve("config.json");
        String text = Files.readString(config);
        assertThat(text).contains(from);
        Files.writeString(config, text.replace(from, to));
    }

    @Test
    void reproducesTheLogitsOfTheHuggingFaceLibrary() throws IOException {
        Weights weights = read();
        assertThat(weights.spec()).isEqualTo(new ModelSpec(67, 32, 32, 4, 3, new Routing.Dense()));
        Decoder decoder = new Decoder(weights.spec(), weights.parameters(), CausalRule.of(weights.spec()));
        try (SafeTensors golden = SafeTensors.open(ByteSource.of(GOLDEN.resolve("golden.safetensors")))) {
            int[] tokens = golden.integers("tokens");
            double[] expected = golden.doubles("logits");
            for (int b = 0; b < 2; b++) {
                float[][] logits = decoder.score(decoder.begin(), Arrays.copyOfRange(tokens, b * 20, (b + 1) * 20));
                for (int t = 0; t < 20; t++) {
                    for (int v = 0; v < 67; v++) {
                        double reference = expected[(b * 20 + t) * 67 + v];
                        assertThat((double) logits[t][v]).isCloseTo(reference, within(1e-5));
                    }
                }
            }
        }
    }

    @Test
    void shardsGiveWhatOneFileGives() throws IOException {
        Weights whole = read();
        Files.delete(directory.resolve("model.safetensors"));
        SafeTensorsWriter[] shards = {new SafeTensorsWriter(), new SafeTensorsWriter(), new SafeTensorsWriter()};
        List<String> map = new ArrayList<>();
        for (Tensor t : ParameterLayout.of(whole.spec()).tensors()) {
            int shard = map.size() % 3;
            shards[shard].add(t.name(), t.shape(), whole.parameters(), t.offset());
            map.add("\"" + t.name() + "\":\"model-0000" + (shard + 1) + "-of-00003.safetensors\"");
        }
        for (int i = 0; i < 3; i++) {
            write("model-0000" + (i + 1) + "-of-00003.safetensors", shards[i]);
        }
        Path index = directory.resolve("model.safetensors.index.json");
        Files.writeString(index, "{\"metadata\":{},\"weight_map\":{" + String.join(",", map) + "}}");
        assertThat(read().parameters()).isEqualTo(whole.parameters());

        Files.delete(directory.resolve("model-00002-of-00003.safetensors"));
        assertThatThrownBy(this::read).isInstanceOf(UserError.class).hasMessageContaining("which is not there");
        Files.writeString(index, "{\"weight_map\":{\"a\":\"../../etc/passwd\"}}");
        assertThatThrownBy(this::read)
                .hasMessageContaining("expected a name ending in .safetensors without directories");
        Files.writeString(index, "{\"weight_map\":{}}");
        assertThatThrownBy(this::read).hasMessageContaining("names no file");
    }

    @Test
    void exportAndImportAreInverseToTheBit() throws IOException {
        Weights dense = read();
        Weights routed = Gpt2Import.withRouting(dense, ROUTING, 3);
        Weights tokens = Gpt2Import.withRouting(dense, new Routing.TokenChoice(1, 0, 0.5, Gate.RAW, 0.02, 0.1), 3);
        Weights chance = Gpt2Import.withRouting(dense, new Routing.Stochastic(3, 2, 0.5, Gate.SIGMOID), 3);
        for (Weights weights : List.of(dense, routed, tokens, chance)) {
            try (OutputStream out = Files.newOutputStream(directory.resolve("model.safetensors"))) {
                WeightExport.writeTensors(weights, out);
            }
            Files.writeString(directory.resolve("config.json"), WeightExport.config(weights, 66));
            Weights again = read();
            assertThat(again.spec()).isEqualTo(weights.spec());
            assertThat(again.parameters()).isEqualTo(weights.parameters());
        }
    }

    @Test
    void anMoDModelStartsFromTheDenseWeightsWithFreshRouters() {
        Weights dense = read();
        Weights routed = Gpt2Import.withRouting(dense, ROUTING, 3);
        ParameterLayout from = ParameterLayout.of(dense.spec());
        for (Tensor t : ParameterLayout.of(routed.spec()).tensors()) {
            float[] values = Arrays.copyOfRange(routed.parameters(), t.offset(), t.offset() + t.length());
            if (from.contains(t.name())) {
                int offset = from.tensor(t.name()).offset();
                assertThat(values).isEqualTo(Arrays.copyOfRange(dense.parameters(), offset, offset + t.length()));
            } else if (!t.name().endsWith("bias")) {
                assertThat(t.name()).startsWith("h.1.");
                assertThat(values).doesNotContain(0);
            }
        }
        Weights other = Gpt2Import.withRouting(dense, ROUTING, 4);
        assertThat(other.parameters()).isNotEqualTo(routed.parameters());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            "model_type": "gpt2" | "model_type": "llama" | model_type is llama, expected gpt2
            "gelu_new" | "relu" | activation_function is relu, expected gelu_new
            1e-05 | 1e-06 | layer_norm_epsilon is 1.0E-6
            "n_inner": null | "n_inner": 64 | n_inner is 64, expected 4 * n_embd = 128
            "tie_word_embeddings": true | "tie_word_embeddings": false | tie_word_embeddings is false
            "n_layer": 3 | "n_layer": "3" | n_layer is "3", expected 1 to
            "n_layer": 3 | "n_layer": 4 | has no tensor transformer.h.3.ln_1.weight [32]
            "n_layer": 3 | "n_layer": 1000000 | claims 1000000 blocks
            "n_layer": 3 | "n_layer": 2 | holds h.2.attn.c_attn.bias, which no GPT-2 of this config.json has
            "vocab_size": 67 | "vocab_size": 68 | is [67, 32], config.json asks for [68, 32]
            "n_embd": 32 | "n_embd": 1000000 | more than 2^31 parameters
            "n_head": 4 | "n_head": 5 | must be a multiple of heads
            "n_embd": 32, | | not a model this body can hold
            { | [ | not JSON
            """)
    void refusesAConfigurationThatIsNotThisBody(String from, String to, String reason) throws IOException {
        editConfig(from, to == null ? "" : to);
        assertThatThrownBy(this::read).isInstanceOf(UserError.class).hasMessageContaining(reason);
    }

    @Test
    void refusesWeightsThatDoNotBelongTogether() throws IOException {
        Weights weights = read();
        ParameterLayout layout = ParameterLayout.of(weights.spec());
        SafeTensorsWriter twice = new SafeTensorsWriter();
        SafeTensorsWriter untied = new SafeTensorsWriter();
        SafeTensorsWriter tied = new SafeTensorsWriter();
        SafeTensorsWriter damaged = new SafeTensorsWriter();
        float[] notFinite = weights.parameters().clone();
        notFinite[layout.tensor("h.1.ln_2.bias").offset() + 5] = Float.NaN;
        for (Tensor t : layout.tensors()) {
            for (SafeTensorsWriter writer : List.of(twice, untied, tied)) {
                writer.add(t.name(), t.shape(), weights.parameters(), t.offset());
            }
            damaged.add(t.name(), t.shape(), notFinite, t.offset());
        }
        Tensor table = layout.tensor("wte.weight");
        write("model.safetensors", twice.add("transformer.wte.weight", table.shape(), notFinite, table.offset()));
        assertThatThrownBy(this::read).hasMessageContaining("is there twice");
        write("model.safetensors", untied.add("lm_head.weight", table.shape(), notFinite, table.offset() + 32));
        assertThatThrownBy(this::read).hasMessageContaining("lm_head.weight differs from wte.weight");
        write("model.safetensors", damaged);
        assertThatThrownBy(this::read).hasMessageContaining("h.1.ln_2.bias[5] is NaN");
        tied.add("lm_head.weight", table.shape(), weights.parameters(), table.offset());
        write("model.safetensors", tied.add("h.0.attn.bias", List.of(1, 1, 2, 2), new float[4], 0));
        assertThat(read().parameters()).isEqualTo(weights.parameters());
    }

    @Test
    void namesWhatIsMissing() throws IOException {
        Files.delete(directory.resolve("model.safetensors"));
        assertThatThrownBy(this::read).hasMessageContaining("has neither model.safetensors nor");
        Files.writeString(directory.resolve("pytorch_model.bin"), "x");
        assertThatThrownBy(this::read).hasMessageContaining("save the model as safetensors");
        Files.delete(directory.resolve("config.json"));
        assertThatThrownBy(this::read).hasMessageContaining("has no config.json");
    }
}
