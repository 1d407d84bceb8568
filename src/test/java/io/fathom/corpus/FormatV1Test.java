package io.fathom.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.fathom.config.UserError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A corpus written by the first release must stay readable, and shards must be what their description says. */
class FormatV1Test {
    private static final Path FIXTURE = Path.of("src/test/resources/formats/corpus-v1");

    @TempDir
    Path directory;

    @Test
    void corpusOfVersion1IsRead() {
        Corpus corpus = Corpus.open(new Configuration(), FIXTURE.toString());

        assertThat(corpus.manifest().documents()).isEqualTo(8);
        assertThat(corpus.manifest().train().tokens()).isEqualTo(215);
        assertThat(corpus.tokenizer().decode(corpus.validation().read(0, 30)))
                .isEqualTo("Burnt the fire of thine eyes?");
        assertThat(corpus.tokenizer().decode(corpus.train().read(0, 215)))
                .contains("Tyger Tyger, burning bright,", "古池や 蛙飛びこむ 水の音", "Über allen Gipfeln ist Ruh,");
        assertThat(new CorpusDirectory(new Configuration(), FIXTURE.toString())
                        .sources(false)
                        .orElseThrow())
                .extracting(SourceRecord::documents, SourceRecord::validation)
                .containsExactly(tuple(8L, false));
    }

    /** Reads the bytes as a stranger would who has only the table in {@link ShardFormat}. */
    @Test
    void shardIsLaidOutAsDescribed() throws IOException {
        byte[] file = Files.readAllBytes(FIXTURE.resolve("validation-00000.tokens"));
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);

        assertThat(new String(file, 0, 8, StandardCharsets.US_ASCII)).isEqualTo("FATHOMTK");
        assertThat(bytes.getInt(8)).as("version").isEqualTo(1);
        assertThat(bytes.getInt(12)).as("width").isEqualTo(2);
        assertThat(bytes.getLong(16)).as("tokens").isEqualTo(30);
        assertThat(HexFormat.of().formatHex(file, 24, 56))
                .isEqualTo(Tokenizers.named("bytes").fingerprint());
        assertThat(bytes.getInt(56)).as("vocabulary").isEqualTo(257);
        assertThat(bytes.getInt(60)).as("header checksum").isEqualTo(crc(file, 60));
        assertThat((int) bytes.getChar(64)).as("first token").isEqualTo('B');
        assertThat((int) bytes.getChar(64 + 2 * 29)).as("last token").isEqualTo(256);
        assertThat(bytes.getInt(124)).as("checksum").isEqualTo(crc(file, 124));
        assertThat(file).hasSize(128);
    }

    @Test
    void everyTokenWidthComesBack() throws Exception {
        for (int vocabulary : new int[] {2, 256, 257, 65536, 65537, 1 << 20}) {
            ShardFormat format =
                    new ShardFormat(vocabulary, Tokenizers.named("bytes").fingerprint());
            int[] tokens = {0, 1, vocabulary - 1, vocabulary / 2, 0};
            ByteBuffer bytes =
                    ByteBuffer.allocate(tokens.length * format.tokenWidth()).order(ByteOrder.LITTLE_ENDIAN);
            format.put(tokens, 0, tokens.length, bytes);
            int[] read = new int[tokens.length];
            format.get(bytes, 0, read, 0, tokens.length);

            assertThat(read).as("vocabulary %d", vocabulary).isEqualTo(tokens);
            format.checkHeader(format.header(5), 5);
        }
        assertThat(List.of(256, 257, 65536, 65537).stream()
                        .map(vocabulary -> new ShardFormat(vocabulary, "").tokenWidth()))
                .containsExactly(1, 2, 2, 4);
    }

    @Test
    void remoteShardsAreReadInPartsOnceTheirBytesAreGone() throws Exception {
        Configuration hadoop = new Configuration();
        hadoop.set(
                "fs.viewfs.mounttable.fixture.link./data",
                FIXTURE.toAbsolutePath().toUri().toString());
        org.apache.hadoop.fs.Path remote = new org.apache.hadoop.fs.Path("viewfs://fixture/data");
        CorpusManifest manifest = Corpus.open(hadoop, remote.toString()).manifest();
        Shard shard = Shard.open(
                CorpusFiles.fileSystem(remote, hadoop),
                remote,
                manifest.validation().shards().get(0),
                ShardFormat.of(Tokenizers.named("bytes")));

        int[] whole = new int[30];
        shard.read(0, whole, 0, 30);
        ByteBuffer part = shard.fetchPart(ShardFormat.HEADER_BYTES + 2 * 4, 2 * 10);
        for (int i = 0; i < 10; i++) {
            assertThat((int) part.getChar(2 * i)).isEqualTo(whole[4 + i]);
        }
    }

    @Test
    void laterVersionsAndOtherTokenizersAreRefused() throws IOException {
        String manifest = Files.readString(FIXTURE.resolve("manifest.json"));

        assertMistake(manifest.replace("\"formatVersion\" : 1", "\"formatVersion\" : 2"))
                .hasMessageContaining("version 2, this build reads 1");
        assertMistake(manifest.replace(Tokenizers.named("bytes").fingerprint(), "0".repeat(64)))
                .hasMessageContaining("another version of the tokenizer bytes");
        assertMistake(manifest.replace("\"tokens\" : 215", "\"token\" : 215"))
                .hasMessageContaining("not a corpus manifest");
        assertMistake(manifest.substring(0, 500)).hasMessageContaining("not a corpus manifest");
        assertMistake("").hasMessageContaining("not a corpus manifest");
    }

    private org.assertj.core.api.AbstractThrowableAssert<?, ? extends Throwable> assertMistake(String manifest)
            throws IOException {
        Files.writeString(directory.resolve("manifest.json"), manifest);
        return assertThatThrownBy(() -> Corpus.open(new Configuration(), directory.toString()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("--overwrite");
    }

    private static int crc(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        ByteArrayOutputStream part = new ByteArrayOutputStream();
        part.write(bytes, 0, length);
        crc.update(part.toByteArray());
        return (int) crc.getValue();
    }
}
