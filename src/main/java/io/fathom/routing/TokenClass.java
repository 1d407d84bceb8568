package io.fathom.routing;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** What kind of text a token begins, spaces in front of it aside, so that " the" counts as letters. */
public enum TokenClass {
    LETTER,
    DIGIT,
    WHITESPACE,
    PUNCTUATION,
    END_OF_TEXT,
    /** Bytes that are no text of their own: parts of a longer UTF-8 character, control bytes. */
    OTHER;

    /** The class of a token other than end-of-text from its bytes. */
    public static TokenClass of(byte[] bytes) {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException partOfACharacter) {
            return OTHER;
        }
        String word = text.stripLeading();
        if (word.isEmpty()) {
            return text.isEmpty() ? OTHER : WHITESPACE;
        }
        int first = word.codePointAt(0);
        if (Character.isLetter(first)) {
            return LETTER;
        }
        if (Character.isDigit(first)) {
            return DIGIT;
        }
        return switch (Character.getType(first)) {
            case Character.CONTROL, Character.UNASSIGNED, Character.PRIVATE_USE, Character.SURROGATE -> OTHER;
            case Character.SPACE_SEPARATOR -> WHITESPACE;
            default -> PUNCTUATION;
        };
    }

    /** The name in tables: {@code end-of-text}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
