package io.fathom.corpus;

import io.fathom.config.CorpusConfig;
import java.util.List;

/**
 * The settings that decide a corpus besides its text; two corpora of the same text and equal settings have equal bytes.
 * See {@code fathom.corpus} in {@code reference.conf} for each.
 */
public record CorpusSettings(
        String textField,
        String textColumn,
        List<String> extensions,
        long textPieceBytes,
        long maxDocumentBytes,
        String tokenizer,
        double validationFraction,
        int shardTokens) {

    public static CorpusSettings of(CorpusConfig config) {
        return new CorpusSettings(
                config.textField(),
                config.textColumn(),
                config.extensions().stream().sorted().distinct().toList(),
                config.textPieceBytes(),
                config.maxDocumentBytes(),
                config.tokenizer(),
                config.validationFraction(),
                config.shardTokens());
    }
}
