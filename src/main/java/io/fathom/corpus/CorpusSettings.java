package io.fathom.corpus;

import io.fathom.config.CorpusConfig;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The settings that decide a corpus besides its text; two corpora of the same text and equal settings have equal bytes.
 * See {@code fathom.corpus} in {@code reference.conf} for each.
 *
 * @param validationFraction 0 where validation has an input of its own
 */
public record CorpusSettings(
        String textField,
        String textColumn,
        List<String> extensions,
        long textPieceBytes,
        long maxDocumentBytes,
        String tokenizer,
        double validationFraction,
        int shardTokens)
        implements Serializable {

    public static CorpusSettings of(CorpusConfig config) {
        return new CorpusSettings(
                config.textField(),
                config.textColumn(),
                config.extensions().stream().sorted().distinct().toList(),
                config.textPieceBytes(),
                config.maxDocumentBytes(),
                config.tokenizer(),
                config.validationInput().isEmpty() ? config.validationFraction() : 0,
                config.shardTokens());
    }

    /** What differs in {@code old}, as {@code tokenizer was bytes, is gpt2}; empty if nothing does. */
    public Optional<String> differenceFrom(CorpusSettings old) {
        List<String> differences = new ArrayList<>();
        compare("textField", old.textField, textField, differences);
        compare("textColumn", old.textColumn, textColumn, differences);
        compare("extensions", old.extensions, extensions, differences);
        compare("textPieceBytes", old.textPieceBytes, textPieceBytes, differences);
        compare("maxDocumentBytes", old.maxDocumentBytes, maxDocumentBytes, differences);
        compare("tokenizer", old.tokenizer, tokenizer, differences);
        compare("validationFraction", old.validationFraction, validationFraction, differences);
        compare("shardTokens", old.shardTokens, shardTokens, differences);
        return differences.isEmpty() ? Optional.empty() : Optional.of(String.join(", ", differences));
    }

    private static void compare(String key, Object was, Object is, List<String> differences) {
        if (!was.equals(is)) {
            differences.add("corpus." + key + " was " + was + ", is " + is);
        }
    }
}
