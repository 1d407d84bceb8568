package io.fathom.corpus;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Byte pair encoding with the merges of GPT-2 ({@code r50k_base}, inside JTokkit's jar): V = 50,257. */
final class BpeTokenizer implements Tokenizer {
    static final String GPT2 = "gpt2";

    private static final int GPT2_END_OF_TEXT = 50256;

    private final String name;
    private final Encoding encoding;
    private final int endOfText;
    private final byte[][] bytes;
    private final String fingerprint;

    private BpeTokenizer(String name, Encoding encoding, int endOfText) {
        this.name = name;
        this.encoding = encoding;
        this.endOfText = endOfText;
        this.bytes = new byte[endOfText + 1][];
        for (int token = 0; token < endOfText; token++) {
            IntArrayList single = new IntArrayList(1);
            single.add(token);
            bytes[token] = encoding.decodeBytes(single);
        }
        bytes[endOfText] = new byte[0];
        this.fingerprint = Hashes.sha256Hex(digest -> {
            digest.update((encoding.getName() + "\n").getBytes(StandardCharsets.UTF_8));
            for (byte[] token : bytes) {
                digest.update((byte) token.length);
                digest.update(token);
            }
        });
    }

    /** Loads its 50,256 merges at first use (about half a second), then the same instance. */
    static Tokenizer gpt2() {
        return Gpt2Holder.INSTANCE;
    }

    private static final class Gpt2Holder {
        static final BpeTokenizer INSTANCE = new BpeTokenizer(
                GPT2, Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE), GPT2_END_OF_TEXT);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int vocabulary() {
        return endOfText + 1;
    }

    @Override
    public int endOfText() {
        return endOfText;
    }

    @Override
    public int[] encode(String text) {
        return encoding.encodeOrdinary(text).toArray();
    }

    @Override
    public String decode(int[] tokens) {
        ByteArrayOutputStream text = new ByteArrayOutputStream(4 * tokens.length);
        for (int token : tokens) {
            text.writeBytes(bytes[checked(token)]);
        }
        return text.toString(StandardCharsets.UTF_8);
    }

    @Override
    public byte[] bytes(int token) {
        return bytes[checked(token)].clone();
    }

    @Override
    public String fingerprint() {
        return fingerprint;
    }

    private int checked(int token) {
        if (token < 0 || token > endOfText) {
            throw new IllegalArgumentException("token " + token + " is outside 0.." + endOfText);
        }
        return token;
    }
}
