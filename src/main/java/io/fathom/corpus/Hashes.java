package io.fathom.corpus;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.Consumer;

/** SHA-256, which every Java platform has. */
final class Hashes {
    private Hashes() {}

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform must have SHA-256", e);
        }
    }

    static String sha256Hex(byte[] bytes) {
        return sha256Hex(digest -> digest.update(bytes));
    }

    static String sha256Hex(Consumer<MessageDigest> content) {
        MessageDigest digest = sha256();
        content.accept(digest);
        return HexFormat.of().formatHex(digest.digest());
    }
}
