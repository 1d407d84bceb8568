package io.fathom.corpus;

import java.nio.charset.StandardCharsets;

/** Every byte of the UTF-8 text is a token, 256 ends a text: V = 257. */
final class ByteTokenizer implements Tokenizer {
    static final String NAME = "bytes";
    static final ByteTokenizer INSTANCE = new ByteTokenizer();

    private static final int END_OF_TEXT = 256;
    private static final String FINGERPRINT = Hashes.sha256Hex(
            "bytes: token i < 256 is the byte i of UTF-8, 256 is end of text".getBytes(StandardCharsets.UTF_8));

    private ByteTokenizer() {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int vocabulary() {
        return END_OF_TEXT + 1;
    }

    @Override
    public int endOfText() {
        return END_OF_TEXT;
    }

    @Override
    public int[] encode(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int[] tokens = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            tokens[i] = Byte.toUnsignedInt(bytes[i]);
        }
        return tokens;
    }

    @Override
    public String decode(int[] tokens) {
        byte[] bytes = new byte[tokens.length];
        int length = 0;
        for (int token : tokens) {
            if (checked(token) != END_OF_TEXT) {
                bytes[length++] = (byte) token;
            }
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    @Override
    public byte[] bytes(int token) {
        return checked(token) == END_OF_TEXT ? new byte[0] : new byte[] {(byte) token};
    }

    @Override
    public String fingerprint() {
        return FINGERPRINT;
    }

    private static int checked(int token) {
        if (token < 0 || token > END_OF_TEXT) {
            throw new IllegalArgumentException("token " + token + " is outside 0.." + END_OF_TEXT);
        }
        return token;
    }
}
