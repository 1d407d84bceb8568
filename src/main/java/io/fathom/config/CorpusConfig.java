package io.fathom.config;

import java.util.List;

/** {@code fathom.corpus}: what text to read and how it becomes token shards. */
public record CorpusConfig(
        List<String> input,
        String path,
        String textField,
        String textColumn,
        List<String> extensions,
        String tokenizer,
        double validationFraction,
        int shardTokens,
        long maxDocumentBytes)
        implements Checked {
    @Override
    public void check(Problems problems) {
        problems.notBlank(textField, "textField");
        problems.notBlank(textColumn, "textColumn");
        problems.require(!extensions.isEmpty(), "extensions", "must name at least one extension");
        problems.notBlank(tokenizer, "tokenizer");
        problems.require(
                validationFraction > 0 && validationFraction < 1,
                "validationFraction",
                "must be greater than 0 and less than 1");
        problems.atLeast(1024, shardTokens, "shardTokens");
        problems.require(
                maxDocumentBytes >= 1 && maxDocumentBytes <= MOST_DOCUMENT_BYTES,
                "maxDocumentBytes",
                "must lie between 1 and " + MOST_DOCUMENT_BYTES + ", what one array can hold");
    }

    private static final long MOST_DOCUMENT_BYTES = 1L << 30;
}
