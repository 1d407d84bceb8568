package io.fathom.graph.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.config.UserError;
import io.fathom.corpus.Tokenizer;
import java.io.IOException;

/**
 * Which tokens a checkpoint's numbers stand for, as {@code vocab.json} or {@code tokenizer.json} beside it say: two
 * tokenizers may have as many tokens and yet be different.
 *
 * <p>These files write each byte as a character: those of Latin-1 that can be seen as themselves, the others as U+0100
 * and on, in their order (as the encoder of GPT-2 does).
 */
public final class Gpt2Vocabulary {
    private static final String PLAIN = "vocab.json";
    private static final String WHOLE = "tokenizer.json";
    private static final String END_OF_TEXT = "<|endoftext|>";

    private Gpt2Vocabulary() {}

    /**
     * Whether a file in {@code files} says which tokens these are. Throws {@link UserError} when one does, and they are
     * not those of {@code tokenizer}.
     */
    public static boolean confirms(WeightFiles files, Tokenizer tokenizer) {
        try {
            if (files.has(PLAIN)) {
                compare(files.name() + "/" + PLAIN, read(files, PLAIN), tokenizer);
                return true;
            }
            if (files.has(WHOLE)) {
                compare(files.name() + "/" + WHOLE, read(files, WHOLE).at("/model/vocab"), tokenizer);
                return true;
            }
            return false;
        } catch (IOException e) {
            throw new UserError(files.name() + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private static JsonNode read(WeightFiles files, String file) throws IOException {
        try {
            return new ObjectMapper().readTree(Gpt2Import.text(files, file));
        } catch (JsonProcessingException e) {
            throw new UserError(files.name() + "/" + file + ": not JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static void compare(String file, JsonNode numbers, Tokenizer tokenizer) {
        for (int token = 0; token < tokenizer.vocabulary(); token++) {
            String text = token == tokenizer.endOfText() ? END_OF_TEXT : spelled(tokenizer.bytes(token));
            JsonNode found = numbers.path(text);
            if (!found.isInt() || found.asInt() != token) {
                throw new UserError(file + ": \"" + text + "\" is "
                        + (found.isMissingNode() ? "no token there" : "token " + found) + ", in the tokenizer "
                        + tokenizer.name() + " it is token " + token
                        + ": the model was trained with another tokenizer, which this build does not have");
            }
        }
    }

    private static String spelled(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte each : bytes) {
            text.append(CHARACTERS[each & 0xFF]);
        }
        return text.toString();
    }

    private static final char[] CHARACTERS = characters();

    private static char[] characters() {
        char[] characters = new char[256];
        char next = 256;
        for (int b = 0; b < 256; b++) {
            boolean seen = (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD);
            characters[b] = seen ? (char) b : next++;
        }
        return characters;
    }
}
