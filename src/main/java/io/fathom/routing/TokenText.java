package io.fathom.routing;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.function.IntFunction;

/**
 * What a tokenizer's tokens look like and are.
 *
 * @param endOfText the token between documents
 * @param bytes the bytes of any other token
 */
public record TokenText(int endOfText, IntFunction<byte[]> bytes) {

    /** The token's class. */
    public TokenClass classOf(int token) {
        return token == endOfText ? TokenClass.END_OF_TEXT : TokenClass.of(bytes.apply(token));
    }

    /**
     * The token for people, on one line: text as it is, line ends and tabs as {@code \n}, {@code \r}, {@code \t}, a
     * backslash doubled, bytes that are no text of their own as {@code \x80}, end-of-text as {@code <|endoftext|>}.
     */
    public String escaped(int token) {
        if (token == endOfText) {
            return "<|endoftext|>";
        }
        byte[] raw = bytes.apply(token);
        StringBuilder escaped = new StringBuilder();
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(raw))
                    .toString();
            text.codePoints().forEach(c -> appendCharacter(escaped, c));
        } catch (CharacterCodingException partOfACharacter) {
            for (byte b : raw) {
                escaped.append(String.format("\\x%02x", b & 0xff));
            }
        }
        return escaped.toString();
    }

    private static void appendCharacter(StringBuilder escaped, int c) {
        switch (c) {
            case '\n' -> escaped.append("\\n");
            case '\r' -> escaped.append("\\r");
            case '\t' -> escaped.append("\\t");
            case '\\' -> escaped.append("\\\\");
            default -> {
                if (Character.isISOControl(c)) {
                    escaped.append(String.format("\\x%02x", c));
                } else {
                    escaped.appendCodePoint(c);
                }
            }
        }
    }

    /** The token's bytes in hexadecimal; empty for end-of-text. */
    public String hex(int token) {
        return token == endOfText ? "" : HexFormat.of().formatHex(bytes.apply(token));
    }
}
