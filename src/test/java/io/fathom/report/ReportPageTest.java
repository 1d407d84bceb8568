package io.fathom.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.config.UserError;
import io.fathom.routing.SyntheticTraces;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

class ReportPageTest {
    private static final Configuration HADOOP = new Configuration();

    @TempDir
    private static Path complete;

    @TempDir
    private Path run;

    private static String page = "";

    @BeforeAll
    static void writeOnce() throws IOException {
        SyntheticRun.complete(complete);
        page = write(complete, Optional.empty());
    }

    private static String write(Path run, Optional<String> twin) throws IOException {
        String path = ReportPage.write(
                HADOOP, run.toString(), twin, run.resolve("corpus").toString());
        return Files.readString(Path.of(java.net.URI.create(path)));
    }

    @Test
    void needsNothingButItself() {
        assertThat(page)
                .doesNotContain("http:")
                .doesNotContain("https:")
                .doesNotContain("<script")
                .doesNotContain("@import");
        assertThat(page).doesNotContain("src=").doesNotContain("url(").doesNotContain("<link");
        assertThat(page).contains("prefers-color-scheme: dark");
    }

    @Test
    void everyPictureIsWellFormedWithinItsFrameAndHasALabel() throws Exception {
        Matcher pictures = Pattern.compile("<svg.*?</svg>", Pattern.DOTALL).matcher(page);
        int count = 0;
        while (pictures.find()) {
            count++;
            var document = DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(new InputSource(new StringReader(pictures.group())));
            var root = document.getDocumentElement();
            assertThat(root.getAttribute("aria-label")).isNotBlank();
            assertThat(pictures.group()).doesNotContain("NaN").doesNotContain("Infinity");
            String[] box = root.getAttribute("viewBox").split(" ", 4);
            var rectangles = document.getElementsByTagName("rect");
            for (int i = 0; i < rectangles.getLength(); i++) {
                var at = rectangles.item(i).getAttributes();
                double x = Double.parseDouble(at.getNamedItem("x").getNodeValue());
                double width = Double.parseDouble(at.getNamedItem("width").getNodeValue());
                assertThat(x).isGreaterThanOrEqualTo(0);
                assertThat(x + width).isLessThanOrEqualTo(Double.parseDouble(box[2]) + 0.1);
            }
        }
        // Two loss curves, one map, two histograms for each of four routed blocks, deciles, depth, loss by depth.
        assertThat(count).isEqualTo(2 + 1 + 8 + 1 + 2);
    }

    @Test
    void showsEveryPartOfTheRun() {
        assertThat(page)
                .contains("dense validation")
                .contains("Which tokens go deep")
                .contains("Forward FLOPs three ways")
                .contains("The figures agree")
                .contains("predictor &gt; 0</th><td>1.7654</td>")
                .contains("git.commit")
                .contains("0123abc")
                .contains("note = &quot;a &lt; b&quot;");
        assertThat(page).doesNotContain("class=\"missing\"");
        // The excerpt keeps every character, escaped, and marks line ends.
        String excerpt = page.substring(page.indexOf("<pre class=\"excerpt\">"));
        excerpt = excerpt.substring(0, excerpt.indexOf("</pre>"));
        assertThat(excerpt.replaceAll("<[^>]*>", ""))
                .contains("linear: &lt;3 comparisons &amp; no copies.↵\n")
                .contains("→\t→\tbest = Math.max(best");
    }

    @Test
    void saysWhatIsMissingAndHowToMakeIt() throws IOException {
        String nothing = write(run, Optional.empty());
        assertThat(nothing)
                .contains("No rounds have been trained")
                .contains("./submit.sh train --run")
                .contains("has not been measured")
                .contains("./submit.sh routing --run")
                .contains("No provenance.json");
        SyntheticRun.metrics(run, 1.5, 1e6, 1, 3);
        assertThat(write(run, Optional.empty())).contains("No dense twin").doesNotContain("No rounds");
        SyntheticRun.routing(run, SyntheticTraces.model(12, 2, 0.2, false));
        assertThat(write(run, Optional.empty()))
                .doesNotContain("The routing of this run has not been measured")
                .contains("./submit.sh evaluate --run")
                .doesNotContain("NaN");
    }

    @Test
    void aNamedTwinIsTaken() throws IOException {
        SyntheticRun.metrics(run, 1.5, 1e6, 8, 3);
        assertThat(write(run, Optional.of(complete.resolve("dense").toString())))
                .contains("dense validation")
                .doesNotContain("No dense twin");
    }

    @Test
    void tellsUsersTheirMistakes() {
        assertThatThrownBy(() -> write(run.resolve("nowhere"), Optional.empty()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("nowhere");
        assertThatThrownBy(() -> write(run, Optional.of(run.resolve("twin").toString())))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("--twin");
    }

    @Test
    void metricsOfACrashedRunAreReadUpToTheCut() {
        assertThat(MetricPoint.of("{\"round\":1,\"ce\":2.5,\"tokens\":10,\"flops\":1e3}\n{\"round\":2,\"ce\":2."))
                .hasSize(1);
    }
}
