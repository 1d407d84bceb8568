package io.fathom.cluster;

import io.fathom.corpus.CorpusFiles;
import io.fathom.corpus.CorpusSettings;
import io.fathom.corpus.DocumentHash;
import io.fathom.corpus.HadoopSettings;
import io.fathom.corpus.ShardTokens;
import io.fathom.corpus.TokenCounts;
import io.fathom.corpus.Tokenizer;
import io.fathom.corpus.Tokenizers;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function2;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/**
 * The task that turns one sorted bucket of documents into tokens: drops what equals the document before, and writes a
 * file of training and one of validation tokens. Where validation has an input of its own its parts come first, so that
 * of equal documents the one for validation stays. The names hold the attempt, so a repeated task disturbs nothing.
 */
final class TokeniseBucket implements Function2<Integer, Iterator<Tuple2<byte[], byte[]>>, Iterator<byte[]>> {
    private static final long serialVersionUID = 1L;
    private static final int BUFFER_BYTES = 1 << 18;

    private final CorpusSettings settings;
    private final HadoopSettings hadoop;
    private final String work;
    private final int validationParts;

    /** @param validationParts parts, the first of all, that are for validation; 0 where the hash decides */
    TokeniseBucket(CorpusSettings settings, HadoopSettings hadoop, String work, int validationParts) {
        this.settings = settings;
        this.hadoop = hadoop;
        this.work = work;
        this.validationParts = validationParts;
    }

    private boolean isValidation(byte[] key) {
        return validationParts > 0
                ? DocumentKey.part(key) < validationParts
                : DocumentHash.isValidation(DocumentKey.hash(key), settings.validationFraction());
    }

    @Override
    public Iterator<byte[]> call(Integer bucket, Iterator<Tuple2<byte[], byte[]>> documents) throws IOException {
        Tokenizer tokenizer = Tokenizers.named(settings.tokenizer());
        TokenCounts trainCounts = new TokenCounts(tokenizer.vocabulary());
        long duplicates = 0;
        byte @Nullable [] last = null;
        String name = "bucket-%05d-%d".formatted(bucket, TaskContext.get().taskAttemptId());
        try (TokenFile train = new TokenFile(name + ".train", tokenizer);
                TokenFile validation = new TokenFile(name + ".validation", tokenizer)) {
            while (documents.hasNext()) {
                Tuple2<byte[], byte[]> document = documents.next();
                if (last != null && DocumentKey.sameDocument(last, document._1())) {
                    duplicates++;
                    continue;
                }
                last = document._1();
                int[] tokens = tokenizer.encode(new String(document._2(), StandardCharsets.UTF_8));
                if (isValidation(last)) {
                    validation.write(tokens, document._2().length);
                } else {
                    train.write(tokens, document._2().length);
                    trainCounts.add(tokens);
                    trainCounts.add(tokenizer.endOfText());
                }
            }
            BucketResult result = new BucketResult(train.finish(), validation.finish(), duplicates, trainCounts);
            return List.of(result.toBytes()).iterator();
        }
    }

    private final class TokenFile implements AutoCloseable {
        private final String name;
        private final Tokenizer tokenizer;
        private final OutputStream out;
        private long documents;
        private long bytes;
        private long tokens;

        TokenFile(String name, Tokenizer tokenizer) throws IOException {
            this.name = name;
            this.tokenizer = tokenizer;
            Path path = new Path(work, name);
            FileSystem fileSystem = CorpusFiles.fileSystem(path, hadoop.configuration());
            this.out = new BufferedOutputStream(fileSystem.create(path), BUFFER_BYTES);
        }

        void write(int[] document, long documentBytes) throws IOException {
            out.write(ShardTokens.encode(document, tokenizer));
            out.write(ShardTokens.encode(new int[] {tokenizer.endOfText()}, tokenizer));
            documents++;
            bytes += documentBytes;
            tokens += document.length + 1;
        }

        BucketResult.Tokens finish() throws IOException {
            out.close();
            return new BucketResult.Tokens(name, documents, bytes, tokens);
        }

        @Override
        public void close() throws IOException {
            out.close();
        }
    }
}
