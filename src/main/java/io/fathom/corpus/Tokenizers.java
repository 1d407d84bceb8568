package io.fathom.corpus;

import io.fathom.config.UserError;
import java.util.Optional;
import java.util.stream.Stream;

/** The tokenizers of this build by name. */
public final class Tokenizers {
    private Tokenizers() {}

    /** The tokenizer that has {@code vocabulary} tokens, if one does. */
    public static Optional<Tokenizer> ofVocabulary(int vocabulary) {
        return Stream.of(ByteTokenizer.INSTANCE, BpeTokenizer.gpt2())
                .filter(tokenizer -> tokenizer.vocabulary() == vocabulary)
                .findFirst();
    }

    /** The tokenizer {@code name}: {@code bytes} or {@code gpt2}; throws {@link UserError} for another name. */
    public static Tokenizer named(String name) {
        return switch (name) {
            case ByteTokenizer.NAME -> ByteTokenizer.INSTANCE;
            case BpeTokenizer.GPT2 -> BpeTokenizer.gpt2();
            default ->
                throw new UserError(
                        "corpus.tokenizer = " + name + ": must be " + ByteTokenizer.NAME + " or " + BpeTokenizer.GPT2);
        };
    }
}
