package io.fathom.graph.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.config.UserError;
import io.fathom.corpus.Tokenizer;
import io.fathom.corpus.Tokenizers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Gpt2VocabularyTest {
    private static final Tokenizer GPT2 = Tokenizers.named("gpt2");

    @TempDir
    Path directory;

    /** As GPT-2's own vocab.json spells them: a blank is U+0120, a line feed U+010A, the byte 0xAD U+0143. */
    private static Map<String, Integer> vocabulary() {
        Map<String, Integer> numbers = new LinkedHashMap<>();
        for (int token = 0; token < GPT2.endOfText(); token++) {
            StringBuilder text = new StringBuilder();
            for (byte each : GPT2.bytes(token)) {
                int b = each & 0xFF;
                if (b < 33) {
                    text.append((char) (0x100 + b));
                } else if (b < 127) {
                    text.append((char) b);
                } else if (b < 161) {
                    text.append((char) (0x121 + b - 127));
                } else {
                    text.append(b == 173 ? '\u0143' : (char) b);
                }
            }
            numbers.put(text.toString(), token);
        }
        numbers.put("<|endoftext|>", GPT2.endOfText());
        return numbers;
    }

    private void write(String file, Object content) throws IOException {
        Files.writeString(
                directory.resolve(file), new ObjectMapper().writeValueAsString(content), StandardCharsets.UTF_8);
    }

    private boolean confirms() {
        return Gpt2Vocabulary.confirms(new LocalFiles(directory), GPT2);
    }

    @Test
    void withoutAFileNothingIsConfirmed() {
        assertThat(confirms()).isFalse();
    }

    @Test
    void gpt2sOwnTokensAreConfirmed() throws IOException {
        Map<String, Integer> numbers = vocabulary();
        // From the file that OpenAI published.
        assertThat(numbers)
                .containsEntry("!", 0)
                .containsEntry("\u0120the", 262)
                .containsEntry("\u010a", 198);
        write("tokenizer.json", Map.of("model", Map.of("vocab", numbers)));
        assertThat(confirms()).isTrue();
        write("vocab.json", numbers);
        assertThat(confirms()).isTrue();
    }

    @Test
    void anotherTokenizerOfAsManyTokensIsRefused() throws IOException {
        Map<String, Integer> numbers = vocabulary();
        numbers.put("\u0120the", 263);
        write("vocab.json", numbers);
        assertThatThrownBy(this::confirms)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("vocab.json: \"\u0120the\" is token 263, in the tokenizer gpt2 it is token 262");
        numbers.remove("\u0120the");
        write("vocab.json", numbers);
        assertThatThrownBy(this::confirms).hasMessageContaining("is no token there");
        Files.writeString(directory.resolve("vocab.json"), "{\"a");
        assertThatThrownBy(this::confirms).isInstanceOf(UserError.class).hasMessageContaining("vocab.json: not JSON");
    }
}
