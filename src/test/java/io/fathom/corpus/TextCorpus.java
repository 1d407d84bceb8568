package io.fathom.corpus;

import io.fathom.config.CorpusConfig;
import io.fathom.corpus.CorpusManifest.ShardEntry;
import io.fathom.corpus.CorpusManifest.Split;
import io.fathom.corpus.CorpusManifest.TokenizerIdentity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;

/**
 * The corpus of a few documents, made by the most naive code: everything in memory, one thread, no Spark. The twin the
 * distributed pass must equal byte for byte, and a quick corpus for the tests of other rooms.
 */
public record TextCorpus(String tokenizer, double validationFraction, int shardTokens) {

    /** Bytes as tokens, a tenth of the documents for validation, shards of 1000 tokens. */
    public static final TextCorpus BYTES = new TextCorpus("bytes", 0.1, 1000);

    /** Prepares {@code documents} in {@code directory} and opens the result. */
    public Corpus write(Path directory, List<String> documents) throws IOException {
        Files.createDirectories(directory);
        Tokenizer tokens = Tokenizers.named(tokenizer);
        TreeMap<byte[], String> kept = new TreeMap<>(Arrays::compareUnsigned);
        long replaced = 0;
        long blank = 0;
        for (String document : documents) {
            NormalText normal = NormalText.of(document);
            replaced += normal.replaced();
            if (normal.isBlank()) {
                blank++;
            } else {
                kept.put(DocumentHash.of(normal.utf8()), normal.text());
            }
        }
        Split train = writeSplit(directory, "train", split(kept, false), tokens);
        Split validation = writeSplit(directory, "validation", split(kept, true), tokens);
        TokenCounts counts = new TokenCounts(tokens.vocabulary());
        split(kept, false).forEach(text -> {
            Arrays.stream(tokens.encode(text)).forEach(counts::add);
            counts.add(tokens.endOfText());
        });
        CorpusManifest manifest = new CorpusManifest(
                CorpusManifest.FORMAT_VERSION,
                settings(),
                TokenizerIdentity.of(tokens),
                1,
                "of memory",
                kept.size(),
                documents.size() - blank - kept.size(),
                blank,
                train.bytes() + validation.bytes(),
                replaced,
                counts.entropyNats(),
                train,
                validation);
        Files.writeString(directory.resolve(CorpusFiles.MANIFEST), manifest.toJson());
        return Corpus.open(new Configuration(), directory.toString());
    }

    private List<String> split(Map<byte[], String> documents, boolean validation) {
        return documents.entrySet().stream()
                .filter(entry -> DocumentHash.isValidation(entry.getKey(), validationFraction) == validation)
                .map(Map.Entry::getValue)
                .toList();
    }

    private Split writeSplit(Path directory, String name, List<String> texts, Tokenizer tokenizer) throws IOException {
        int[] all = texts.stream()
                .flatMapToInt(text ->
                        IntStream.concat(Arrays.stream(tokenizer.encode(text)), IntStream.of(tokenizer.endOfText())))
                .toArray();
        List<ShardEntry> shards = new ArrayList<>();
        for (int from = 0; from < all.length; from += shardTokens) {
            int[] part = Arrays.copyOfRange(all, from, Math.min(all.length, from + shardTokens));
            String file = CorpusFiles.shardName(name, shards.size());
            try (ShardWriter writer =
                    new ShardWriter(Files.newOutputStream(directory.resolve(file)), tokenizer, part.length)) {
                writer.write(part, part.length);
                shards.add(new ShardEntry(file, part.length, writer.finish()));
            }
        }
        long bytes = texts.stream()
                .mapToLong(text -> text.getBytes(StandardCharsets.UTF_8).length)
                .sum();
        return new Split(texts.size(), bytes, all.length, shards);
    }

    private CorpusSettings settings() {
        return CorpusSettings.of(new CorpusConfig(
                List.of(),
                List.of(),
                "",
                "text",
                "text",
                List.of("txt"),
                tokenizer,
                validationFraction,
                shardTokens,
                1 << 14,
                1 << 28));
    }

    /** Documents of seeded gibberish, each about {@code words} words. */
    public static List<String> gibberish(long seed, int documents, int words) {
        java.util.Random random = new java.util.Random(seed);
        return IntStream.range(0, documents)
                .mapToObj(d -> {
                    StringBuilder text = new StringBuilder();
                    for (int w = 0; w < 1 + random.nextInt(2 * words); w++) {
                        random.ints(1 + random.nextInt(7), 'a', 'z' + 1).forEach(c -> text.append((char) c));
                        text.append(random.nextInt(12) == 0 ? ".\n" : " ");
                    }
                    return text.toString();
                })
                .toList();
    }
}
