package io.fathom.corpus;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;

/**
 * Text in Unicode normal form C, the form in which equal-looking text has equal bytes; well-formed, so that UTF-8 holds
 * it without loss.
 *
 * @param text normalised
 * @param replaced malformed UTF-8 sequences or unpaired surrogates that became U+FFFD
 */
record NormalText(String text, long replaced) {
    private static final char REPLACEMENT = '\uFFFD';
    private static final char BYTE_ORDER_MARK = '\uFEFF';

    /** Decodes UTF-8; a byte order mark at the start is a signature, not text. */
    static NormalText ofUtf8(byte[] utf8, int from, int length) {
        ByteBuffer in = ByteBuffer.wrap(utf8, from, length);
        CharBuffer out = CharBuffer.allocate(length);
        CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        long replaced = 0;
        // A malformed sequence of n bytes becomes one char, so the n-char buffer never overflows.
        CoderResult result = decoder.decode(in, out, true);
        while (result.isError()) {
            in.position(in.position() + result.length());
            out.put(REPLACEMENT);
            replaced++;
            result = decoder.decode(in, out, true);
        }
        decoder.flush(out);
        out.flip();
        if (out.hasRemaining() && out.charAt(0) == BYTE_ORDER_MARK) {
            out.get();
        }
        return new NormalText(Normalizer.normalize(out, Normalizer.Form.NFC), replaced);
    }

    static NormalText ofUtf8(byte[] utf8) {
        return ofUtf8(utf8, 0, utf8.length);
    }

    /** Normalises a string, such as one of JSON, whose escapes can spell half a surrogate pair. */
    static NormalText of(String text) {
        StringBuilder repaired = null;
        long replaced = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
                continue;
            }
            if (repaired == null) {
                repaired = new StringBuilder(text);
            }
            repaired.setCharAt(i, REPLACEMENT);
            replaced++;
        }
        CharSequence wellFormed = repaired == null ? text : repaired;
        return new NormalText(Normalizer.normalize(wellFormed, Normalizer.Form.NFC), replaced);
    }

    boolean isBlank() {
        return text.isBlank();
    }

    byte[] utf8() {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
