package io.fathom.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.UserError;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusTest {
    @TempDir
    Path directory;

    @Test
    void tokensDecodeToTheDocumentsInTheOrderOfTheirHashes() throws Exception {
        List<String> documents = TextCorpus.gibberish(7, 90, 20);

        Corpus corpus = TextCorpus.BYTES.write(directory, documents);

        TreeSet<String> found = new TreeSet<>();
        byte[] last = new byte[DocumentHash.BYTES];
        int[] tokens = corpus.train().read(0, (int) corpus.train().tokens());
        for (int from = 0, at = 0; at < tokens.length; at++) {
            if (tokens[at] == corpus.tokenizer().endOfText()) {
                String text = corpus.tokenizer().decode(Arrays.copyOfRange(tokens, from, at));
                byte[] hash = DocumentHash.of(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
                assertThat(Arrays.compareUnsigned(last, hash)).isNegative();
                assertThat(DocumentHash.isValidation(hash, 0.1)).isFalse();
                last = hash;
                found.add(text);
                from = at + 1;
            }
        }
        assertThat(documents).containsAll(found);
        assertThat(found).hasSize((int) corpus.manifest().train().documents());
        assertThat(corpus.manifest().train().shards()).hasSizeGreaterThan(3);
        assertThat(corpus.manifest().validation().documents()).isPositive();
    }

    @Test
    void windowsOverlapByOneTokenAndCrossShards() throws Exception {
        TokenSplit train = TextCorpus.BYTES
                .write(directory, TextCorpus.gibberish(3, 40, 30))
                .train();
        int[] all = train.read(0, (int) train.tokens());

        int length = 37;
        for (long index = 0; index < train.windows(length); index++) {
            int from = (int) index * length;
            assertThat(train.window(index, length)).isEqualTo(Arrays.copyOfRange(all, from, from + length + 1));
        }
        assertThat(train.windows(length)).isEqualTo((train.tokens() - 1) / length);
        assertThatThrownBy(() -> train.window(train.windows(length), length))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void splitTravelsAsADescription() throws Exception {
        TokenSplit train = TextCorpus.BYTES
                .write(directory, TextCorpus.gibberish(4, 200, 30))
                .train();

        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new ObjectOutputStream(bytes).writeObject(train);
        TokenSplit copy =
                (TokenSplit) new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();

        assertThat(copy.window(5, 64)).isEqualTo(train.window(5, 64));
        assertThat(copy.bytesPerToken()).isEqualTo(train.bytesPerToken());
    }

    @Test
    void directoryWithoutManifestIsNoCorpus() throws Exception {
        TextCorpus.BYTES.write(directory, TextCorpus.gibberish(5, 40, 20));
        Files.delete(directory.resolve(CorpusFiles.MANIFEST));

        assertThatThrownBy(() -> Corpus.open(new Configuration(), directory.toString()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("not a complete corpus")
                .hasMessageContaining("prepare");
    }

    @Test
    void truncatedShardIsRefusedAtOpening() throws Exception {
        TextCorpus.BYTES.write(directory, TextCorpus.gibberish(5, 40, 20));
        Path shard = directory.resolve("train-00001.tokens");
        byte[] whole = Files.readAllBytes(shard);
        Files.write(shard, Arrays.copyOf(whole, whole.length - 1));

        assertThatThrownBy(() -> Corpus.open(new Configuration(), directory.toString()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("train-00001.tokens")
                .hasMessageContaining("expected " + whole.length)
                .hasMessageContaining("found " + (whole.length - 1));
    }

    @Test
    void everyFlippedByteOfAShardIsFound() throws Exception {
        TextCorpus.BYTES.write(directory, TextCorpus.gibberish(5, 40, 20));
        Path shard = directory.resolve("train-00000.tokens");
        byte[] whole = Files.readAllBytes(shard);
        for (int at = 0; at < whole.length; at += at < 70 || at > whole.length - 8 ? 1 : 97) {
            byte[] flipped = whole.clone();
            flipped[at] ^= 0x10;
            Files.write(shard, flipped);

            TokenSplit train =
                    Corpus.open(new Configuration(), directory.toString()).train();
            assertThatThrownBy(() -> train.read(0, 1))
                    .as("byte %d flipped", at)
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("train-00000.tokens")
                    .hasMessageContaining("expected")
                    .hasMessageContaining("found");
        }
    }

    @Test
    void bytesPerTokenCountsTheEndOfTextTokens() throws Exception {
        Corpus corpus = new TextCorpus("bytes", 0, 100).write(directory, List.of("abcde", "äö"));

        assertThat(corpus.train().tokens()).isEqualTo(5 + 1 + 4 + 1);
        assertThat(corpus.train().bytesPerToken()).isEqualTo(9.0 / 11);
    }
}
