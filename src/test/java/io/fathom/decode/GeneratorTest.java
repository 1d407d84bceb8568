package io.fathom.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.UserError;
import io.fathom.corpus.Tokenizer;
import io.fathom.corpus.Tokenizers;
import io.fathom.model.Gate;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class GeneratorTest {
    private static final Tokenizer BYTES = Tokenizers.named("bytes");
    private static final ModelSpec SPEC = new ModelSpec(
            BYTES.vocabulary(), 16, 8, 2, 4, new Routing.ExpertChoice(2, 1, 0.25, Gate.SIGMOID, 0.01, true));
    private static final Sampling WARM = new Sampling(1, OptionalInt.empty(), 1, 7);

    /** A model with random weights; end of text has a logit of {@code endLogit} everywhere. */
    private static Generator generator(float scale) {
        float[] theta = new float[ParameterLayout.of(SPEC).size()];
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < theta.length; i++) {
            theta[i] = (float) (scale * random.nextGaussian());
        }
        return new Generator(new Decoder(SPEC, theta, CausalRule.of(SPEC)), BYTES);
    }

    /** The example of the README, but for where the weights come from. */
    @Test
    void generatesFromAnotherProgram() {
        float[] parameters = ParameterLayout.of(SPEC).initial(SPEC, 1);
        StringBuilder streamed = new StringBuilder();

        Decoder decoder = new Decoder(SPEC, parameters, CausalRule.of(SPEC));
        Generator generator = new Generator(decoder, Tokenizers.named("bytes"));
        Generation text =
                generator.generate("Once", 10, new Sampling(0.8, OptionalInt.of(40), 0.95, 42), streamed::append);

        assertThat(text.text()).isEqualTo(streamed.toString());
        assertThat(text.cost().newTokens()).isEqualTo(10);
        assertThat(text.cost().promptTokens()).isEqualTo(4);
        assertThat(text.cost().meanDepth()).isBetween(2.0, 4.0);
        assertThat(text.cost().cacheBytes())
                .isPositive()
                .isLessThanOrEqualTo(text.cost().denseCacheBytes());
        assertThat(text.end()).isEqualTo(Generation.End.LENGTH);
    }

    @Test
    void sameSeedSameTextAnotherSeedAnother() {
        Generator generator = generator(0.3f);
        Generation a = generator.generate("abc", 12, WARM, piece -> {});
        Generation b = generator.generate("abc", 12, WARM, piece -> {});
        Generation c = generator.generate("abc", 12, new Sampling(1, OptionalInt.empty(), 1, 8), piece -> {});
        assertThat(b.tokens()).isEqualTo(a.tokens());
        assertThat(c.tokens()).isNotEqualTo(a.tokens());
    }

    @Test
    void aBatchOfUnequalPromptsGivesWhatEachGivesAlone() {
        Generator generator = generator(0.3f);
        List<String> prompts = List.of("a", "somewhat longer", "");
        List<StringBuilder> streamed = List.of(new StringBuilder(), new StringBuilder(), new StringBuilder());
        List<Generation> together = generator.generate(
                prompts,
                20,
                Sampling.GREEDY,
                (text, piece) -> streamed.get(text).append(piece));
        for (int i = 0; i < prompts.size(); i++) {
            Generation alone = generator.generate(prompts.get(i), 20, Sampling.GREEDY, piece -> {});
            assertThat(together.get(i).tokens()).isEqualTo(alone.tokens());
            assertThat(together.get(i).text())
                    .isEqualTo(alone.text())
                    .isEqualTo(streamed.get(i).toString());
            assertThat(together.get(i).cost().flops()).isEqualTo(alone.cost().flops());
        }
    }

    @Test
    void slidesOntoTheNewerHalfWhenTheContextIsFull() {
        Generator generator = generator(0.3f);
        Generation generation = generator.generate("0123456789", 30, Sampling.GREEDY, piece -> {});
        assertThat(generation.cost().newTokens()).isEqualTo(30);
        // 16 fit; then each slide reads 7 tokens again beside the new one and makes room for 8 more. The last is not
        // read.
        assertThat(generation.cost().slides()).isEqualTo(3);
        assertThat(generation.cost().readTokens()).isEqualTo(39 + 3 * 7);
        List<RoutedToken> tokens = generation.tokens();
        assertThat(tokens).hasSize(40);
        assertThat(tokens.subList(0, 39))
                .allMatch(t -> t.depth() >= 2 && t.blocks().containsAll(List.of(0, 2)));
        assertThat(tokens.get(39).blocks()).isEmpty();
    }

    @Test
    void readsTheEndOfAPromptThatIsTooLong() {
        Generator generator = generator(0.3f);
        String tail = "the tail";
        Generation whole = generator.generate("x".repeat(100) + tail, 5, Sampling.GREEDY, piece -> {});
        Generation alone = generator.generate(tail, 5, Sampling.GREEDY, piece -> {});
        assertThat(whole.text()).isEqualTo(alone.text());
        assertThat(whole.cost().slides()).isEqualTo(1);
        assertThat(whole.cost().promptTokens()).isEqualTo(108);
    }

    @Test
    void stopsAtEndOfText() {
        // Zero weights make all logits equal, and greedy sampling then takes token 0; so lift the last token alone.
        ParameterLayout layout = ParameterLayout.of(SPEC);
        float[] theta = new float[layout.size()];
        theta[layout.tensor("ln_f.bias").offset()] = 1;
        theta[layout.tensor("wte.weight").offset() + BYTES.endOfText() * SPEC.width()] = 1;
        Generator generator = new Generator(new Decoder(SPEC, theta, CausalRule.of(SPEC)), BYTES);
        Generation generation = generator.generate("abc", 5, Sampling.GREEDY, piece -> {});
        assertThat(generation.end()).isEqualTo(Generation.End.END_OF_TEXT);
        assertThat(generation.text()).isEmpty();
        assertThat(generation.cost().newTokens()).isZero();
    }

    @Test
    void streamsWholeCharacters() {
        Utf8Pieces pieces = new Utf8Pieces();
        List<String> received = new ArrayList<>();
        for (int token : BYTES.encode("né €😀")) {
            received.add(pieces.add(BYTES.bytes(token)));
        }
        assertThat(received).containsExactly("n", "", "é", " ", "", "", "€", "", "", "", "😀");
        assertThat(pieces.add(new byte[] {(byte) 0xE2, 'x'})).isEqualTo("\uFFFDx");
        assertThat(pieces.add(new byte[] {(byte) 0xE2})).isEmpty();
        assertThat(pieces.end()).isEqualTo("\uFFFD");
    }

    @Test
    void refusesATokenizerOfAnotherVocabulary() {
        ModelSpec other = new ModelSpec(300, 16, 8, 2, 1, new Routing.Dense());
        Decoder decoder = new Decoder(other, new float[ParameterLayout.of(other).size()], CausalRule.of(other));
        assertThatThrownBy(() -> new Generator(decoder, BYTES))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("knows 300 tokens")
                .hasMessageContaining("has 257");
    }

    @Test
    void showsDepthsOnTheTerminalAndAsAPage() {
        Generator generator = generator(0.3f);
        Generation generation = generator.generate("a<b&c", 8, Sampling.GREEDY, piece -> {});
        DepthText text = new DepthText(SPEC.blocks(), generation.tokens());
        assertThat(text.html())
                .contains(">&lt;</span>", ">&amp;</span>", "depth 2 of 4, blocks [0, 2]", "not read")
                .doesNotContain("src=", "href=");
        String bare = text.terminal().replaceAll("\u001b\\[[0-9;]*m", "");
        assertThat(bare).startsWith("a<b&c").contains("depth 2 of 4");
    }
}
