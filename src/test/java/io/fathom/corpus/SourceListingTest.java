package io.fathom.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.UserError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SourceListingTest {
    private static final Configuration HADOOP = new Configuration();
    private static final CorpusSettings SETTINGS =
            new CorpusSettings("text", "text", List.of("txt", "py"), 100, 1000, "bytes", 0.1, 1000);

    @TempDir
    Path directory;

    @BeforeEach
    void writeFiles() throws IOException {
        for (String name : List.of(
                "a.txt",
                "b.JSONL",
                "c.txt.gz",
                "d.snappy.parquet",
                "noextension",
                "e.pdf",
                "odd [1].txt",
                "deep/er/__init__.py",
                "deep/er/_temporary/0/part.jsonl",
                "deep/er/_SUCCESS",
                "deep/.git/config.txt",
                "deep/.hidden.txt",
                "some.dir/README",
                "f.zip")) {
            Path file = directory.resolve(name);
            Files.createDirectories(file.getParent());
            Files.writeString(file, "text");
        }
    }

    @Test
    void directoriesAreReadWithAllBelowButWhatIsHidden() {
        SourceListing listing = list("");

        assertThat(names(listing))
                .containsExactly(
                        "a.txt", "b.JSONL", "c.txt.gz", "d.snappy.parquet", "__init__.py", "f.zip", "odd [1].txt");
        assertThat(listing.files())
                .extracting(SourceFile::kind)
                .containsExactly(
                        SourceKind.TEXT,
                        SourceKind.JSON_LINES,
                        SourceKind.TEXT,
                        SourceKind.PARQUET,
                        SourceKind.TEXT,
                        SourceKind.ARCHIVE,
                        SourceKind.TEXT);
        assertThat(listing.passedOverText()).isEqualTo("2 without extension, 1 .pdf");
    }

    @Test
    void globsMatchAndOverlappingInputsCountOnce() {
        assertThat(names(list("*.txt", "a.*", "a.txt", "deep/*")))
                .containsExactly("a.txt", "__init__.py", "odd [1].txt");
    }

    @Test
    void namesThatLookLikeGlobsAreThemselves() {
        assertThat(names(list("odd [1].txt"))).containsExactly("odd [1].txt");
    }

    @Test
    void filesNamedOutrightMayLackAnExtensionButNotHaveAWrongOne() {
        assertThat(names(list("noextension"))).containsExactly("noextension");
        assertThatThrownBy(() -> list("e.pdf"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("e.pdf has the extension .pdf")
                .hasMessageContaining("corpus.extensions");
    }

    @Test
    void everythingThatMatchesNothingIsToldAtOnce() {
        assertThatThrownBy(() -> list("a.txt", "x.txt", "y*", "nofs://host/z", "hdfs://nohost.invalid/z"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("x.txt matches nothing")
                .hasMessageContaining("y* matches nothing")
                .hasMessageContaining("nofs://host/z cannot be listed")
                .hasMessageContaining("hdfs://nohost.invalid/z cannot be listed: unknown host nohost.invalid")
                .hasMessageNotContaining("a.txt matches");
    }

    @Test
    void longFilesAreCutIntoTheSamePartsEverywhere() {
        long mega = 1 << 20;
        List<SourcePart> parts = SourcePart.of(List.of(
                new SourceFile("a", 130 * mega, 0, SourceKind.JSON_LINES, false, false),
                new SourceFile("b", 130 * mega, 0, SourceKind.JSON_LINES, true, false),
                new SourceFile("c", 0, 0, SourceKind.TEXT, false, false)));

        assertThat(parts).extracting(SourcePart::index).containsExactly(0, 1, 2, 3, 4);
        assertThat(parts).extracting(SourcePart::from).containsExactly(0L, 64 * mega, 128 * mega, 0L, 0L);
        assertThat(parts).extracting(SourcePart::to).containsExactly(64 * mega, 128 * mega, 130 * mega, 130 * mega, 0L);
    }

    private SourceListing list(String... inputs) {
        return SourceListing.of(
                Arrays.stream(inputs)
                        .map(input -> input.contains("://") ? input : directory + "/" + input)
                        .toList(),
                List.of(),
                SETTINGS,
                HADOOP);
    }

    private static List<String> names(SourceListing listing) {
        return listing.files().stream()
                .map(file -> file.path().substring(file.path().lastIndexOf('/') + 1))
                .toList();
    }
}
