package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.cluster.CorpusPreparation.Prepared;
import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import io.fathom.corpus.Corpus;
import io.fathom.corpus.CorpusFiles;
import io.fathom.corpus.CorpusManifest;
import io.fathom.corpus.TextCorpus;
import io.fathom.corpus.TokenSplit;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusPreparationTest {
    private static final TextCorpus TWIN = new TextCorpus("bytes", 0.2, 1024);

    private static JavaSparkContext spark;

    @TempDir
    Path directory;

    @BeforeAll
    static void start() {
        spark = TinyRun.spark("local[2]");
    }

    @AfterAll
    static void stop() {
        spark.close();
    }

    // --- what it makes

    @Test
    void everyKindOfFileGivesWhatTheNaiveTwinGives() throws Exception {
        List<String> documents = new ArrayList<>(TextCorpus.gibberish(1, 100, 20));
        documents.addAll(documents.subList(20, 40));
        writeEveryKind(documents);
        Corpus twin = TWIN.write(directory.resolve("twin"), documents);

        CorpusManifest made = prepare("text").corpus().manifest();

        assertThat(shards(directory.resolve("run/corpus"))).isEqualTo(shards(directory.resolve("twin")));
        assertThat(made.train()).isEqualTo(twin.manifest().train());
        assertThat(made.validation()).isEqualTo(twin.manifest().validation());
        assertThat(made.duplicates()).isEqualTo(20);
        assertThat(made.entropyNatsPerToken()).isEqualTo(twin.manifest().entropyNatsPerToken());
        assertThat(made.train().shards()).hasSizeGreaterThan(2);
    }

    @Test
    void bytesAreTheSameHoweverManyExecutorsThereAre() throws Exception {
        writeEveryKind(TextCorpus.gibberish(2, 150, 30));
        prepare("text");
        Map<String, String> two = files(directory.resolve("run/corpus"));
        stop();
        try {
            for (String[] settings : new String[][] {
                {"local[1]"},
                {
                    "local[4]",
                    "spark.default.parallelism",
                    "11",
                    "spark.serializer",
                    "org.apache.spark.serializer.KryoSerializer"
                }
            }) {
                spark = TinyRun.spark(settings[0], Arrays.copyOfRange(settings, 1, settings.length));
                prepare("text", "run", directory.resolve(settings[0]).toString());
                stop();
                assertThat(files(directory.resolve(settings[0] + "/corpus"))).isEqualTo(two);
            }
        } finally {
            start();
        }
    }

    @Test
    void validationMayHaveAnInputOfItsOwn() throws Exception {
        List<String> documents = TextCorpus.gibberish(7, 60, 20);
        write("a/learn.jsonl", jsonLines(documents.subList(0, 40)));
        // Ten documents are in both: they must not be learnt.
        write("b/score.jsonl", jsonLines(documents.subList(30, 60)));
        String[] ownInput = {"corpus.validationInput", directory.resolve("b").toString()};
        Prepared prepared = prepare("a", ownInput);
        Corpus corpus = prepared.corpus();

        assertThat(documents(corpus.train())).isEqualTo(Set.copyOf(documents.subList(0, 30)));
        assertThat(documents(corpus.validation())).isEqualTo(Set.copyOf(documents.subList(30, 60)));
        assertThat(corpus.manifest().duplicates()).isEqualTo(10);
        assertThat(corpus.manifest().settings().validationFraction()).isZero();
        assertThat(prepare("a", ownInput).reused()).isTrue();

        assertMistake(() -> prepare("a")).hasMessageContaining("corpus.validationFraction was 0.0, is 0.2");
        assertMistake(() -> prepare(
                        "b", "corpus.validationInput", directory.resolve("a").toString()))
                .hasMessageContaining("learn.jsonl was for training")
                .hasMessageContaining("score.jsonl was for validation");
        assertMistake(() -> prepare("a", "corpus.validationInput", directory.toString()))
                .hasMessageContaining("corpus.validationInput: ")
                .hasMessageContaining("learn.jsonl is a file of corpus.input too");
        assertMistake(() -> prepare(
                        "a", "corpus.validationInput", directory.resolve("c").toString()))
                .hasMessageContaining("corpus.validationInput: ")
                .hasMessageContaining("c matches nothing");
    }

    @Test
    void documentsStayInTheirSplitWhenFilesAreAdded() throws Exception {
        write("text/a.jsonl", jsonLines(TextCorpus.gibberish(3, 100, 20)));
        Corpus before = prepare("text").corpus();
        write("text/b.jsonl", jsonLines(TextCorpus.gibberish(4, 100, 20)));
        Corpus after =
                prepare("text", "run", directory.resolve("more").toString()).corpus();

        assertThat(documents(after.train())).containsAll(documents(before.train()));
        assertThat(documents(after.validation())).containsAll(documents(before.validation()));
        assertThat(documents(before.train())).doesNotContainAnyElementsOf(documents(before.validation()));
    }

    @Test
    void realTextIsTokenisedLikeGpt2AndComesBackWhole() throws Exception {
        Files.createDirectories(directory.resolve("text"));
        Path source = Path.of("src/test/resources/corpus/wikitext2-slice.txt");
        Files.copy(source, directory.resolve("text/wiki.txt"));
        Corpus corpus = prepare("text", "corpus.tokenizer", "gpt2", "corpus.textPieceBytes", "4000")
                .corpus();

        Set<String> pieces = documents(corpus.train());
        pieces.addAll(documents(corpus.validation()));
        String text = Files.readString(source);
        assertThat(pieces).allMatch(text::contains);
        assertThat(pieces.stream().mapToInt(String::length).sum()).isEqualTo(text.length());
        assertThat(corpus.train().bytesPerToken()).isBetween(3.0, 5.0);
        assertThat(corpus.manifest().entropyNatsPerToken()).isBetween(5.0, 8.0);
    }

    @Test
    void otherFileSystemsAreReadAndWritten() throws Exception {
        List<String> documents = TextCorpus.gibberish(5, 120, 20);
        writeEveryKind(documents);
        spark.hadoopConfiguration()
                .set(
                        "fs.viewfs.mounttable.prepared.link./data",
                        directory.toUri().toString());
        TWIN.write(directory.resolve("twin"), documents);

        RunConfig config = TinyRun.config(
                "run", "viewfs://prepared/data/run",
                "corpus.input", "viewfs://prepared/data/te*",
                "corpus.shardTokens", "1024",
                "corpus.validationFraction", "0.2");
        Corpus corpus = new CorpusPreparation(spark, config, PassProgress.silent())
                .prepare(false)
                .corpus();

        assertThat(shards(directory.resolve("run/corpus"))).isEqualTo(shards(directory.resolve("twin")));
        Corpus local = Corpus.open(
                spark.hadoopConfiguration(), directory.resolve("twin").toString());
        int all = (int) corpus.train().tokens();
        assertThat(corpus.train().read(0, all)).isEqualTo(local.train().read(0, all));
    }

    // --- a corpus that is there

    @Test
    void sameTextAndSettingsReuseTheCorpus() throws Exception {
        writeEveryKind(TextCorpus.gibberish(6, 100, 20));
        assertThat(prepare("text").reused()).isFalse();
        Map<String, FileTime> times = times(directory.resolve("run/corpus"));

        assertThat(prepare("text").reused()).isTrue();
        assertThat(times(directory.resolve("run/corpus"))).isEqualTo(times);
    }

    @Test
    void otherTextOrSettingsAreTold() throws Exception {
        writeEveryKind(TextCorpus.gibberish(6, 100, 20));
        prepare("text");

        assertMistake(() -> prepare("text", "corpus.tokenizer", "gpt2"))
                .hasMessageContaining("corpus.tokenizer was bytes, is gpt2")
                .hasMessageContaining("--overwrite");
        write("text/new.txt", "new text");
        Files.delete(directory.resolve("text/a.jsonl"));
        Files.writeString(directory.resolve("text/plain/doc-0.txt"), "other text here");
        assertMistake(() -> prepare("text"))
                .hasMessageContaining("new.txt is new")
                .hasMessageContaining("a.jsonl is gone")
                .hasMessageContaining("doc-0.txt has changed");

        Prepared replaced = new CorpusPreparation(spark, config("text"), PassProgress.silent()).prepare(true);
        assertThat(replaced.reused()).isFalse();
        assertThat(prepare("text").reused()).isTrue();
        assertThat(names(directory.resolve("run"))).containsExactly("corpus");
    }

    @Test
    void whatACrashLeftIsReplaced() throws Exception {
        writeEveryKind(TextCorpus.gibberish(6, 100, 20));
        write("run/corpus/train-00000.tokens", "half a shard");

        assertThat(prepare("text").reused()).isFalse();
    }

    @Test
    void directoriesOfOthersAreNeverTouched() throws Exception {
        writeEveryKind(TextCorpus.gibberish(6, 100, 20));
        write("run/corpus/notes.md", "my notes");

        assertMistake(() -> new CorpusPreparation(spark, config("text"), PassProgress.silent()).prepare(true))
                .hasMessageContaining("notes.md")
                .hasMessageContaining("corpus.path");
        assertThat(directory.resolve("run/corpus/notes.md")).hasContent("my notes");
    }

    // --- mistakes

    @Test
    void allInputsThatMatchNothingAreNamedAtOnce() throws Exception {
        write("text/a.txt", "text");
        write("text/b.pdf", "pdf");

        assertMistake(() -> prepare("text/a.txt\",\"nowhere\",\"*.none\",\"text/b.pdf"))
                .hasMessageContaining("nowhere matches nothing")
                .hasMessageContaining("*.none matches nothing")
                .hasMessageContaining("b.pdf has the extension .pdf")
                .hasMessageContaining("corpus.extensions");
        assertMistake(() ->
                        new CorpusPreparation(spark, TinyRun.config("run", "r"), PassProgress.silent()).prepare(false))
                .hasMessageContaining("corpus.input is empty");
    }

    @Test
    void allUnreadableFilesAreNamedAndNothingIsPublished() throws Exception {
        writeEveryKind(TextCorpus.gibberish(7, 100, 20));
        write("text/bad.jsonl", "{\"text\":\"a\"}\n{\"txet\":\"b\"}\n");
        Files.write(directory.resolve("text/cut.zip"), new byte[] {'P', 'K', 3, 4, 0});
        byte[] gzip = Files.readAllBytes(directory.resolve("text/c.jsonl.gz"));
        Files.write(directory.resolve("text/cut.jsonl.gz"), Arrays.copyOf(gzip, gzip.length / 2));

        assertMistake(() -> prepare("text"))
                .hasMessageContaining("3 files cannot be read, nothing was published")
                .hasMessageContaining("bad.jsonl: line 2 has no field \"text\" (it has txet)")
                .hasMessageContaining("cut.zip")
                .hasMessageContaining("cut.jsonl.gz");
        assertThat(names(directory.resolve("run"))).isEmpty();
    }

    @Test
    void aFileThatCannotBeReadLeavesNothingThatATaskWroteLater() throws Exception {
        write("text/bad.jsonl", "{\"text\": \"a\"");
        for (int attempt = 0; attempt < 5; attempt++) {
            assertMistake(() -> prepare("text"))
                    .hasMessageEndingWith("line 1 is not valid JSON: Unexpected end-of-input: expected close marker for"
                            + " Object; nothing was published");
            assertThat(names(directory.resolve("run"))).isEmpty();
        }
    }

    @Test
    void emptyAndTooSmallCorporaAreMistakes() throws Exception {
        write("text/a.txt", " \n");
        assertMistake(() -> prepare("text")).hasMessageContaining("holds no text");
        write("text/a.txt", "five!");
        assertMistake(() -> prepare("text"))
                .hasMessageContaining("split has")
                .hasMessageContaining("model.context = 8 needs 9")
                .hasMessageContaining("validationFraction");
        write("png/a.png", "no text");
        assertMistake(() -> prepare("png")).hasMessageContaining("passed over 1 .png");
    }

    // --- the kit

    /** The documents spread over a file of each kind, each document once. */
    private void writeEveryKind(List<String> documents) throws IOException {
        int part = documents.size() / 5;
        for (int i = 0; i < part; i++) {
            write("text/plain/doc-" + i + ".txt", documents.get(i));
        }
        write("text/a.jsonl", jsonLines(documents.subList(part, 2 * part)));
        Path gzip = directory.resolve("text/c.jsonl.gz");
        try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(gzip))) {
            out.write(jsonLines(documents.subList(2 * part, 3 * part)).getBytes(StandardCharsets.UTF_8));
        }
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(directory.resolve("text/d.jar")))) {
            for (int i = 3 * part; i < 4 * part; i++) {
                out.putNextEntry(new ZipEntry("io/doc-" + i + ".md"));
                out.write(documents.get(i).getBytes(StandardCharsets.UTF_8));
            }
        }
        SparkSession session = SparkSession.builder().sparkContext(spark.sc()).getOrCreate();
        session.createDataset(documents.subList(4 * part, documents.size()), Encoders.STRING())
                .toDF("text")
                .write()
                .parquet(directory.resolve("text/e.parquet").toString());
        write("text/.hidden.txt", "never read");
        write("text/picture.png", "never read");
    }

    private RunConfig config(String input, String... settings) {
        List<String> all = new ArrayList<>(List.of(
                "run",
                directory.resolve("run").toString(),
                "corpus.input",
                "[\""
                        + Arrays.stream(input.split("\",\""))
                                .map(each -> directory.resolve(each).toString())
                                .collect(Collectors.joining("\",\""))
                        + "\"]",
                "corpus.shardTokens",
                "1024",
                "corpus.validationFraction",
                "0.2"));
        all.addAll(List.of(settings));
        return TinyRun.config(all.toArray(String[]::new));
    }

    private Prepared prepare(String input, String... settings) throws Exception {
        return new CorpusPreparation(spark, config(input, settings), PassProgress.silent()).prepare(false);
    }

    private static org.assertj.core.api.AbstractThrowableAssert<?, ? extends Throwable> assertMistake(
            org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return assertThatThrownBy(call).isInstanceOf(UserError.class);
    }

    private static String jsonLines(List<String> documents) {
        return documents.stream()
                .map(text -> "{\"text\":\"" + text.replace("\n", "\\n") + "\"}\n")
                .collect(Collectors.joining());
    }

    private void write(String name, String content) throws IOException {
        Path file = directory.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }

    private static Set<String> documents(TokenSplit split) {
        Set<String> found = new HashSet<>();
        int[] tokens = split.read(0, (int) split.tokens());
        io.fathom.corpus.Tokenizer tokenizer =
                io.fathom.corpus.Tokenizers.named(Arrays.stream(tokens).max().orElse(0) > 256 ? "gpt2" : "bytes");
        for (int from = 0, at = 0; at < tokens.length; at++) {
            if (tokens[at] == tokenizer.endOfText()) {
                found.add(tokenizer.decode(Arrays.copyOfRange(tokens, from, at)));
                from = at + 1;
            }
        }
        return found;
    }

    private static List<String> names(Path path) throws IOException {
        try (Stream<Path> files = Files.list(path)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static Map<String, FileTime> times(Path path) throws IOException {
        Map<String, FileTime> times = new TreeMap<>();
        for (String name : names(path)) {
            times.put(name, Files.getLastModifiedTime(path.resolve(name)));
        }
        return times;
    }

    /** Name -> content of every file, bytes as Latin-1. */
    private static Map<String, String> files(Path path) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        for (String name : names(path)) {
            contents.put(name, Files.readString(path.resolve(name), StandardCharsets.ISO_8859_1));
        }
        return contents;
    }

    private static Map<String, String> shards(Path path) throws IOException {
        Map<String, String> contents = files(path);
        contents.keySet()
                .retainAll(contents.keySet().stream()
                        .filter(name -> name.endsWith(CorpusFiles.SHARD_SUFFIX))
                        .toList());
        return contents;
    }
}
