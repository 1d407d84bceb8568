package io.fathom.routing;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenTextTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "the|LETTER|the",
                " the|LETTER| the",
                "' 42'|DIGIT| 42",
                "(x|PUNCTUATION|(x",
                "=|PUNCTUATION|=",
                "' '|WHITESPACE|' '",
                "é|LETTER|é",
                "中|LETTER|中"
            })
    void classesByFirstCharacterAfterSpaces(String token, TokenClass kind, String escaped) {
        TokenText text = new TokenText(256, id -> token.getBytes(StandardCharsets.UTF_8));
        assertThat(text.classOf(1)).isEqualTo(kind);
        assertThat(text.escaped(1)).isEqualTo(escaped);
    }

    @ParameterizedTest
    @CsvSource({"10,WHITESPACE,\\n", "9,WHITESPACE,\\t", "0,OTHER,\\x00", "195,OTHER,\\xc3", "92,PUNCTUATION,\\\\"})
    void controlAndPartialBytesAreShownEscaped(int value, TokenClass kind, String escaped) {
        TokenText text = new TokenText(256, id -> new byte[] {(byte) value});
        assertThat(text.classOf(1)).isEqualTo(kind);
        assertThat(text.escaped(1)).isEqualTo(escaped);
        assertThat(text.hex(1)).isEqualTo(String.format("%02x", value));
        assertThat(text.classOf(256)).isEqualTo(TokenClass.END_OF_TEXT);
        assertThat(text.escaped(256)).isEqualTo("<|endoftext|>");
        assertThat(text.hex(256)).isEmpty();
    }
}
