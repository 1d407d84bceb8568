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
        long maxDocumentBytes) {}
