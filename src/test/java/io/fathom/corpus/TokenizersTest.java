package io.fathom.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.UserError;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TokenizersTest {
    private static final List<String> TEXTS = List.of(
            "",
            " ",
            "Hello world",
            "naïve café, 東京, 🤖👩‍🚀",
            "<|endoftext|> is text here",
            "\t\r\n  many   spaces\n\n",
            "\u0000\u0001\uFFFD");

    @Test
    void decodingEncodedTextGivesIt() {
        for (Tokenizer tokenizer : List.of(Tokenizers.named("bytes"), Tokenizers.named("gpt2"))) {
            for (String text : TEXTS) {
                int[] tokens = tokenizer.encode(text);
                assertThat(tokenizer.decode(tokens)).isEqualTo(text);
                assertThat(tokens).doesNotContain(tokenizer.endOfText());
            }
            Random random = new Random(11);
            for (int i = 0; i < 200; i++) {
                String text = random.ints(random.nextInt(40), 1, 0x2_0000)
                        .filter(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE)
                        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                        .toString();
                assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
            }
        }
    }

    @Test
    void bytesOfTokensJoinToTheText() {
        for (Tokenizer tokenizer : List.of(Tokenizers.named("bytes"), Tokenizers.named("gpt2"))) {
            for (String text : TEXTS) {
                java.io.ByteArrayOutputStream joined = new java.io.ByteArrayOutputStream();
                for (int token : tokenizer.encode(text)) {
                    joined.writeBytes(tokenizer.bytes(token));
                }
                assertThat(joined.toString(StandardCharsets.UTF_8)).isEqualTo(text);
            }
            assertThat(tokenizer.bytes(tokenizer.endOfText())).isEmpty();
        }
    }

    /** Ids as OpenAI's encoder gives them: "Hello world" is 15496 995, a line end 198. */
    @Test
    void gpt2HasTheKnownIds() {
        Tokenizer gpt2 = Tokenizers.named("gpt2");
        assertThat(gpt2.encode("Hello world")).containsExactly(15496, 995);
        assertThat(gpt2.encode("\n")).containsExactly(198);
        assertThat(gpt2.vocabulary()).isEqualTo(50257);
        assertThat(gpt2.endOfText()).isEqualTo(50256);
    }

    @Test
    void bytesAreTheUtf8BytesAndEndOfText() {
        Tokenizer bytes = Tokenizers.named("bytes");
        assertThat(bytes.encode("é")).containsExactly(0xC3, 0xA9);
        assertThat(bytes.vocabulary()).isEqualTo(257);
        assertThat(bytes.endOfText()).isEqualTo(256);
        assertThat(bytes.decode(new int[] {0xC3, 256})).isEqualTo("\uFFFD");
    }

    @Test
    void fingerprintsTellTokenizersApart() {
        assertThat(Tokenizers.named("bytes").fingerprint())
                .hasSize(64)
                .isNotEqualTo(Tokenizers.named("gpt2").fingerprint());
    }

    @Test
    void wrongIdsAndNamesAreRefused() {
        for (Tokenizer tokenizer : List.of(Tokenizers.named("bytes"), Tokenizers.named("gpt2"))) {
            assertThatThrownBy(() -> tokenizer.bytes(tokenizer.vocabulary()))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> tokenizer.decode(new int[] {-1})).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> Tokenizers.named("gpt5"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("gpt5")
                .hasMessageContaining("bytes or gpt2");
    }
}
