package io.fathom.decode;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Turns bytes that come token by token into text, holding back a character until its last byte is there. */
final class Utf8Pieces {
    private final CharsetDecoder decoder = StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private byte[] held = {};

    /** The characters that {@code bytes} complete; bytes that are no UTF-8 give U+FFFD. */
    String add(byte[] bytes) {
        return decode(bytes, false);
    }

    /** What is left when no more bytes will come. */
    String end() {
        return decode(new byte[0], true);
    }

    private String decode(byte[] bytes, boolean last) {
        ByteBuffer in = ByteBuffer.allocate(held.length + bytes.length)
                .put(held)
                .put(bytes)
                .flip();
        CharBuffer out = CharBuffer.allocate(in.remaining() + 1);
        decoder.reset().decode(in, out, last);
        held = new byte[in.remaining()];
        in.get(held);
        return out.flip().toString();
    }
}
