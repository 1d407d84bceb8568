package io.fathom.corpus;

/**
 * A reversible map between text and token ids 0 .. {@link #vocabulary()} - 1. For well-formed text
 * {@code decode(encode(text))} equals {@code text}. Thread-safe.
 */
public interface Tokenizer {

    /** The name {@link Tokenizers#named} knows it by. */
    String name();

    /** V, number of token ids, the end-of-text token included. */
    int vocabulary();

    /** The token that follows each document; {@link #encode} never gives it, whatever the text says. */
    int endOfText();

    /** The tokens of {@code text}; no token is added. Unpaired surrogates become U+FFFD or {@code ?}. */
    int[] encode(String text);

    /** The text of {@code tokens}; end-of-text tokens give nothing, bytes that are not UTF-8 give U+FFFD. */
    String decode(int[] tokens);

    /**
     * The UTF-8 bytes {@code token} stands for, perhaps a part of a character only; empty for the end-of-text token.
     *
     * @throws IllegalArgumentException if the token is not in the vocabulary
     */
    byte[] bytes(int token);

    /** SHA-256 in hex of everything that decides the ids; two tokenizers with one fingerprint give equal ids. */
    String fingerprint();
}
