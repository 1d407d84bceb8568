package io.fathom.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import io.fathom.corpus.Documents.Document;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DocumentsTest {
    private static final int PIECE = 100;
    private static final int MOST = 5000;
    private static final Configuration HADOOP = new Configuration();

    @TempDir
    Path directory;

    // --- plain text

    @Test
    void shortTextIsOneDocument() throws IOException {
        assertThat(read(write("a.txt", "Two lines\n\nof text\n"))).containsExactly("Two lines\n\nof text\n");
    }

    @Test
    void longTextIsCutAtBlankLinesAndLosesNothing() throws IOException {
        String paragraph = "word ".repeat(15) + "\n\n";
        List<String> pieces = read(write("a.txt", paragraph.repeat(10)));

        assertThat(pieces).hasSize(5).allMatch(piece -> piece.equals(paragraph.repeat(2)));
    }

    @Test
    void textWithoutBlankLinesIsCutAtLinesAndWithoutLinesAtSpaces() throws IOException {
        assertThat(read(write("lines.txt", ("x".repeat(30) + "\n").repeat(20))))
                .allMatch(piece -> piece.endsWith("\n"))
                .hasSizeGreaterThan(1);
        assertThat(read(write("words.txt", "word ".repeat(500))))
                .allMatch(piece -> piece.endsWith(" "))
                .hasSizeGreaterThan(1);
    }

    @Test
    void textWithoutAnySpaceIsCutBetweenCharacters() throws IOException {
        String text = "東京".repeat(1000);
        Documents documents = documents(write("a.txt", text), 0, Long.MAX_VALUE);
        List<String> pieces = all(documents);

        assertThat(pieces).hasSizeGreaterThan(1);
        assertThat(String.join("", pieces)).isEqualTo(text);
        assertThat(documents.report().replaced()).isZero();
    }

    /** Whatever the text and wherever a range begins, the parts of a file hold its lines once, in order. */
    @Test
    void rangesOfAFilePartitionItsText() throws IOException {
        Random random = new Random(5);
        for (int round = 0; round < 200; round++) {
            String text = IntStream.range(0, random.nextInt(60))
                    .mapToObj(i -> random.nextInt(4) == 0
                            ? "\n"
                            : "é" + "ab cd".repeat(random.nextInt(40)) + (random.nextInt(9) == 0 ? "" : "\n"))
                    .reduce("", String::concat);
            Path file = write("text" + round + ".txt", text);
            long bytes = Files.size(file);
            long cut = bytes == 0 ? 0 : random.nextLong(bytes);
            long second = cut + (bytes == cut ? 0 : random.nextLong(bytes - cut));
            List<String> pieces = new ArrayList<>();
            for (long[] range : new long[][] {{0, cut}, {cut, second}, {second, bytes}}) {
                if (range[0] < range[1]) {
                    pieces.addAll(all(documents(file, range[0], range[1])));
                }
            }
            assertThat(String.join("", pieces).replaceAll("\\s", ""))
                    .as("%s cut at %d and %d", file, cut, second)
                    .isEqualTo(text.replaceAll("\\s", ""));
        }
    }

    @Test
    void invalidUtf8IsReplacedAndCounted() throws IOException {
        Path file = directory.resolve("a.txt");
        Files.write(file, new byte[] {'a', (byte) 0xFF, 'b', (byte) 0xE2, (byte) 0x82, 'c', (byte) 0xC3});
        Documents documents = documents(file, 0, Long.MAX_VALUE);

        assertThat(all(documents)).containsExactly("a\uFFFDb\uFFFDc\uFFFD");
        assertThat(documents.report().replaced()).isEqualTo(3);
        assertThat(documents.report().problem()).isNull();
    }

    @Test
    void textIsNormalisedAndItsSignatureDropped() throws IOException {
        assertThat(read(write("a.txt", "\uFEFFe\u0301"))).containsExactly("é");
    }

    @Test
    void blankDocumentsAreCountedNotGiven() throws IOException {
        Documents documents = documents(write("a.txt", " \n\t\n"), 0, Long.MAX_VALUE);

        assertThat(all(documents)).isEmpty();
        assertThat(documents.report().blankDocuments()).isEqualTo(1);
    }

    @Test
    void utf16IsNamedWithTheRemedy() throws IOException {
        Path file = directory.resolve("a.txt");
        Files.write(file, "text".getBytes(StandardCharsets.UTF_16));

        assertThat(problem(file)).contains("a.txt").contains("UTF-16").contains("iconv");
    }

    // --- JSON lines

    @Test
    void jsonLinesGiveTheNamedField() throws IOException {
        Path file = write(
                "a.jsonl",
                "{\"id\":1,\"text\":\"one\\nline\"}\r\n\n{\"text\":\"e\u0301\\ud800\",\"x\":[1]}\n"
                        + "{\"text\":null}");
        Documents documents = documents(file, 0, Long.MAX_VALUE);

        assertThat(all(documents)).containsExactly("one\nline", "é\uFFFD");
        assertThat(documents.report().replaced()).isEqualTo(1);
        assertThat(documents.report().blankDocuments()).isEqualTo(1);
        assertThat(documents.report().problem()).isNull();
    }

    @Test
    void rangesOfJsonLinesPartitionThem() throws IOException {
        StringBuilder lines = new StringBuilder();
        List<String> texts = new ArrayList<>();
        Random random = new Random(3);
        for (int i = 0; i < 50; i++) {
            texts.add("text " + i + "x".repeat(random.nextInt(20)));
            lines.append("{\"text\":\"").append(texts.get(i)).append("\"}\n");
        }
        Path file = write("a.jsonl", lines.toString());
        long bytes = Files.size(file);
        for (long cut = 1; cut < bytes; cut += 7) {
            List<String> read = all(documents(file, 0, cut));
            read.addAll(all(documents(file, cut, bytes)));
            assertThat(read).as("cut at %d", cut).isEqualTo(texts);
        }
    }

    @Test
    void badJsonLinesAreNamedByNumber() throws IOException {
        assertThat(problem(write("a.jsonl", "{\"text\":\"a\"}\n{\"text\":\n")))
                .contains("a.jsonl: line 2 is not valid JSON");
        assertThat(problem(write("b.jsonl", "{\"text\":\"a\"}\n\n{\"body\":\"b\"}\n")))
                .contains("line 3 has no field \"text\" (it has body)")
                .contains("corpus.textField");
        assertThat(problem(write("c.jsonl", "{\"text\":5}"))).contains("line 1").contains("a number, not a string");
        assertThat(problem(write("d.jsonl", "[1]"))).contains("line 1 is not a JSON object but an array");
        assertThat(problem(write("e.jsonl", "{\"text\":\"a\"} {\"text\":\"b\"}")))
                .contains("line 1 is not valid JSON");
        assertThat(problem(write("f.jsonl", "{\"text\":\"" + "x".repeat(MOST) + "\"}")))
                .contains("line 1 is longer than corpus.maxDocumentBytes = " + MOST);
    }

    @Test
    void lineNumbersAreThoseOfTheFileInEveryRange() throws IOException {
        Path file = write("a.jsonl", "{\"text\":\"a\"}\n".repeat(10) + "oops\n");
        Documents documents = documents(file, 40, Files.size(file));
        all(documents);

        assertThat(documents.report().problem()).contains("line 11 is not valid JSON");
    }

    // --- compression and archives

    @Test
    void compressedFilesAreReadToTheLastMember() throws IOException {
        Path file = directory.resolve("a.jsonl.gz");
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(gzip("{\"text\":\"one\"}\n"));
            out.write(gzip("{\"text\":\"two\"}\n"));
        }
        assertThat(read(file)).containsExactly("one", "two");
        Path text = directory.resolve("b.txt.gz");
        Files.write(text, gzip("some text"));
        assertThat(read(text)).containsExactly("some text");
    }

    @Test
    void everyTruncationOfACompressedFileIsFound() throws IOException {
        byte[] whole = gzip(lines(200));
        Path file = directory.resolve("a.jsonl.gz");
        for (int length = 1; length < whole.length; length += length < 30 || length > whole.length - 30 ? 1 : 41) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThat(problem(file)).as("%d of %d bytes", length, whole.length).contains("a.jsonl.gz");
        }
    }

    @Test
    void flippedBytesOfACompressedFileNeverPassUnseen() throws IOException {
        byte[] whole = gzip(lines(50));
        Path file = directory.resolve("a.jsonl.gz");
        List<String> expected;
        Files.write(file, whole);
        expected = read(file);
        for (int at = 10; at < whole.length; at++) {
            byte[] flipped = whole.clone();
            flipped[at] ^= 0x20;
            Files.write(file, flipped);
            Documents documents = documents(file, 0, Long.MAX_VALUE);
            List<String> found = all(documents);
            assertThat(documents.report().problem() != null || found.equals(expected))
                    .as("byte %d flipped", at)
                    .isTrue();
        }
    }

    @Test
    void archivesGiveTheirTextFilesOnly() throws IOException {
        Path file = zip(
                "a/b.txt", "text",
                "a/.hidden.txt", "no",
                "__MACOSX/b.txt", "no",
                "c.class", "no",
                "some.dir/README", "no",
                "d.jsonl", "{\"text\":\"line\"}\n",
                "a/e.java", "class E {}");

        assertThat(read(file)).containsExactly("text", "line", "class E {}");
    }

    @Test
    void problemsInArchivesNameTheEntry() throws IOException {
        assertThat(problem(zip("x/bad.jsonl", "{}"))).contains("a.zip: entry x/bad.jsonl: line 1 has no field");
        assertThat(problem(zip("bomb.txt", "0\n".repeat(MOST))))
                .contains("entry bomb.txt")
                .contains("unpacks to more than corpus.maxDocumentBytes = " + MOST);
    }

    @Test
    void everyTruncationOfAnArchiveIsFound() throws IOException {
        byte[] whole = Files.readAllBytes(zip("a.txt", "some text", "b.txt", "more text"));
        Path file = directory.resolve("a.zip");
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThat(problem(file)).as("%d of %d bytes", length, whole.length).contains("a.zip");
        }
    }

    @Test
    void damagedEntriesAreFoundByTheirChecksum() throws IOException {
        Path file = directory.resolve("a.zip");
        byte[] content = "stored text".getBytes(StandardCharsets.UTF_8);
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(file))) {
            ZipEntry entry = new ZipEntry("a.txt");
            entry.setMethod(ZipEntry.STORED);
            entry.setSize(content.length);
            java.util.zip.CRC32 crc = new java.util.zip.CRC32();
            crc.update(content);
            entry.setCrc(crc.getValue());
            out.putNextEntry(entry);
            out.write(content);
        }
        byte[] whole = Files.readAllBytes(file);
        int at = new String(whole, StandardCharsets.ISO_8859_1).indexOf("stored text");
        whole[at] = 'S';
        Files.write(file, whole);

        assertThat(problem(file)).contains("entry a.txt").contains("expected").contains("found");
    }

    // --- Parquet

    @Test
    void parquetGivesTheNamedColumn() throws IOException {
        Path file = parquet("required int64 id; optional binary text (STRING);", "one", null, "e\u0301");
        Documents documents = documents(file, 0, Long.MAX_VALUE);

        assertThat(all(documents)).containsExactly("one", "é");
        assertThat(documents.report().blankDocuments()).isEqualTo(1);
    }

    @Test
    void rangesOfParquetPartitionItsRows() throws IOException {
        String[] texts = TextCorpus.gibberish(8, 300, 40).toArray(String[]::new);
        Path file = parquet("required int64 id; required binary text (STRING);", texts);
        long bytes = Files.size(file);
        long rowGroups = 0;
        for (long cut = 1; cut < bytes; cut += bytes / 40) {
            List<String> first = all(documents(file, 0, cut));
            rowGroups += first.isEmpty() || first.size() == texts.length ? 0 : 1;
            first.addAll(all(documents(file, cut, bytes)));
            assertThat(first).as("cut at %d", cut).containsExactly(texts);
        }
        assertThat(rowGroups).as("cuts between row groups").isPositive();
    }

    @Test
    void wrongParquetColumnsAreNamed() throws IOException {
        assertThat(problem(parquet("required int64 id; optional binary body (STRING);")))
                .contains("has no column \"text\" (it has id, body)")
                .contains("corpus.textColumn");
        assertThat(problem(parquet("required int64 id; required int32 text;")))
                .contains("does not hold strings but required int32");
    }

    @Test
    void damagedParquetIsNamed() throws IOException {
        Path file = parquet("required int64 id; optional binary text (STRING);", "one", "two");
        byte[] whole = Files.readAllBytes(file);
        for (int length = 0; length < whole.length; length += 13) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThat(problem(file)).as("%d of %d bytes", length, whole.length).contains("a.parquet");
        }
    }

    @Test
    void missingFilesAreNamed() {
        assertThat(problem(directory.resolve("none.txt"))).contains("none.txt").contains("cannot be read");
    }

    // --- the kit

    private Path write(String name, String content) throws IOException {
        return Files.writeString(directory.resolve(name), content);
    }

    private static String lines(int count) {
        StringBuilder lines = new StringBuilder();
        TextCorpus.gibberish(9, count, 5)
                .forEach(text -> lines.append("{\"text\":\"")
                        .append(text.replace("\n", " "))
                        .append("\"}\n"));
        return lines.toString();
    }

    private static byte[] gzip(String content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(content.getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    private Path zip(String... namesAndContents) throws IOException {
        Path file = directory.resolve("a.zip");
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(file))) {
            for (int i = 0; i < namesAndContents.length; i += 2) {
                out.putNextEntry(new ZipEntry(namesAndContents[i]));
                out.write(namesAndContents[i + 1].getBytes(StandardCharsets.UTF_8));
            }
        }
        return file;
    }

    private Path parquet(String fields, @Nullable String... texts) throws IOException {
        Path file = directory.resolve("a.parquet");
        Files.deleteIfExists(file);
        MessageType type = MessageTypeParser.parseMessageType("message row { " + fields + " }");
        try (ParquetWriter<Group> writer = ExampleParquetWriter.builder(new org.apache.hadoop.fs.Path(file.toUri()))
                .withConf(HADOOP)
                .withType(type)
                .withRowGroupSize(4096L)
                .withPageSize(1024)
                .withMinRowCountForPageSizeCheck(10)
                .build()) {
            for (String text : texts) {
                Group row = new SimpleGroupFactory(type).newGroup().append("id", 1L);
                writer.write(text == null ? row : row.append("text", text));
            }
        }
        return file;
    }

    private static CorpusSettings settings() {
        return new CorpusSettings("text", "text", List.of("txt", "java"), PIECE, MOST, "bytes", 0.1, 1000);
    }

    private static Documents documents(Path file, long from, long to) {
        SourceKind kind = SourceKind.of(
                        file.getFileName().toString().replace(".gz", ""),
                        Set.copyOf(settings().extensions()))
                .orElseThrow();
        boolean compressed = file.toString().endsWith(".gz");
        return new Documents(
                new SourcePart(0, 0, file.toUri().toString(), kind, compressed, from, to), settings(), HADOOP);
    }

    private static List<String> all(Documents documents) {
        List<String> texts = new ArrayList<>();
        for (Document next = documents.next(); next != null; next = documents.next()) {
            texts.add(new String(next.utf8(), StandardCharsets.UTF_8));
            assertThat(next.hash()).isEqualTo(DocumentHash.of(next.utf8()));
        }
        return texts;
    }

    private static List<String> read(Path file) {
        Documents documents = documents(file, 0, Long.MAX_VALUE);
        List<String> texts = all(documents);
        assertThat(documents.report().problem()).isNull();
        assertThat(documents.report().documents()).isEqualTo(texts.size());
        return texts;
    }

    private static String problem(Path file) {
        Documents documents = documents(file, 0, Long.MAX_VALUE);
        all(documents);
        String problem = documents.report().problem();
        assertThat(problem).isNotNull();
        return problem == null ? "" : problem;
    }
}
