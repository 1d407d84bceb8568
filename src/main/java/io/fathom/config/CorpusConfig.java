package io.fathom.config;

import java.util.List;

/** {@code fathom.corpus}: what text to read and how it becomes token shards. */
public record CorpusConfig(
        List<String> input,
        List<String> validationInput,
        String path,
        String textField,
        String textColumn,
        List<String> extensions,
        String tokenizer,
        double validationFraction,
        int shardTokens,
        long textPieceBytes,
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
        problems.require(
                shardTokens >= 1024 && shardTokens <= MOST_SHARD_TOKENS,
                "shardTokens",
                "must lie between 1024 and " + MOST_SHARD_TOKENS);
        problems.require(
                maxDocumentBytes >= 1 && maxDocumentBytes <= MOST_DOCUMENT_BYTES,
                "maxDocumentBytes",
                "must lie between 1 and " + MOST_DOCUMENT_BYTES + ", what one array can hold");
        problems.require(
                textPieceBytes >= 1 && textPieceBytes <= maxDocumentBytes,
                "textPieceBytes",
                "must lie between 1 and maxDocumentBytes = " + maxDocumentBytes);
    }

    private static final int MOST_SHARD_TOKENS = 1 << 28;
    private static final long MOST_DOCUMENT_BYTES = 1L << 30;
}
