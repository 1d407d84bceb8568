package io.fathom.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fathom.checkpoint.RunDirectory;
import io.fathom.config.UserError;
import io.fathom.routing.SyntheticTraces;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
        page = write(complete);
    }

    private static String write(Path run, String... beside) throws IOException {
        String path = ReportPage.write(
                HADOOP, run.toString(), List.of(beside), run.resolve("corpus").toString());
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
        // Two loss curves, routers and workers by round, one map, two histograms for each of four routed blocks,
        // deciles,
        // depth, loss by depth.
        assertThat(count).isEqualTo(2 + 2 + 1 + 8 + 1 + 2);
    }

    @Test
    void showsEveryPartOfTheRun() {
        assertThat(page)
                .contains("dense validation")
                .contains("Which tokens go deep", "Which block takes what")
                .contains("Learning to choose alone", "Do workers go the same way?")
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
        String nothing = write(run);
        assertThat(nothing)
                .contains("No rounds have been trained")
                .contains("./submit.sh train --run")
                .contains("has not been measured")
                .contains("./submit.sh routing --run")
                .contains("No provenance.json");
        SyntheticRun.metrics(run, 1.5, 1e6, 1, 3);
        assertThat(write(run)).contains("No other run, such as a dense twin").doesNotContain("No rounds");
        SyntheticRun.routing(run, SyntheticTraces.model(12, 2, 0.2, false));
        assertThat(write(run))
                .doesNotContain("The routing of this run has not been measured")
                .contains("./submit.sh evaluate --run")
                .doesNotContain("NaN");
    }

    @Test
    void runsStandSideBySideUnderTheirKindsAndAtTheFlopsOfTheCheapest() throws IOException {
        for (String kind : List.of("expert-choice", "random", "dense")) {
            Path each = run.resolve(kind);
            SyntheticRun.metrics(each, 1.5, kind.equals("dense") ? 1e6 : 2e6, 6, kind.length());
            Files.writeString(
                    each.resolve("config.conf"), "fathom.model.routing { kind = " + kind + ", capacity = 0.125 }");
        }
        String one = run.resolve("expert-choice").toString();
        String three = write(
                run.resolve("expert-choice"),
                run.resolve("random").toString(),
                run.resolve("dense").toString(),
                one);
        assertThat(three)
                .contains("Side by side", "nats at 246\u00a0GFLOPs", "random 12.5\u00a0% validation", "dense training")
                .contains("MoD 12.5\u00a0% (expert-choice) validation");
        TrainedRun routed = TrainedRun.read(new RunDirectory(HADOOP, one));
        MetricPoint third = routed.metrics().get(2);
        MetricPoint last = routed.metrics().get(5);
        assertThat(routed.validationLossAt(third.flops() + (last.flops() - third.flops()) / 4))
                .hasValueCloseTo(
                        0.75 * third.validationLoss().orElseThrow()
                                + 0.25 * last.validationLoss().orElseThrow(),
                        within(1e-9));
        assertThat(routed.validationLossAt(last.flops())).isEqualTo(last.validationLoss());
        assertThat(routed.validationLossAt(third.flops() / 2)).isEmpty();
        assertThat(routed.validationLossAt(last.flops() * 2)).isEmpty();

        assertThat(write(run.resolve("dense")))
                .contains("<p>Dense language model</p>")
                .doesNotContain("Mixture-of-Depths")
                .doesNotContain("has not been measured");
    }

    @Test
    void filesThatAreNoneOfOursAreMistakes() throws IOException {
        SyntheticRun.complete(run);
        for (String name : List.of("provenance.json", "evaluation/evaluation.json", "routing/summary.json")) {
            String whole = Files.readString(run.resolve(name));
            for (String broken : List.of("", "{", "[]")) {
                Files.writeString(run.resolve(name), broken);
                assertThatThrownBy(() -> write(run))
                        .as("%s = %s", name, broken)
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining(name.replaceAll("/.*", ""));
            }
            Files.writeString(run.resolve(name), whole);
        }
        assertThat(write(run)).contains("0123abc");
    }

    @Test
    void aNamedTwinIsTaken() throws IOException {
        SyntheticRun.metrics(run, 1.5, 1e6, 8, 3);
        assertThat(write(run, complete.resolve("dense").toString()))
                .contains("dense validation")
                .doesNotContain("No other run, such as a dense twin");
    }

    @Test
    void tellsUsersTheirMistakes() {
        assertThatThrownBy(() -> write(run.resolve("nowhere")))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("nowhere");
        assertThatThrownBy(() -> write(run, run.resolve("twin").toString()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("--beside");
    }

    @Test
    void lossesOfWhatAModelHasNotAreNone() {
        MetricPoint dense = MetricPoint.of("{\"round\":1,\"aux\":0.0,\"pred\":0.0,\"cosine\":0.0}")
                .get(0);
        assertThat(dense.routerLoss()).isEmpty();
        assertThat(dense.predictorLoss()).isEmpty();
        assertThat(dense.agreement()).hasValue(0);
        MetricPoint routed = MetricPoint.of("{\"round\":1,\"aux\":0.3}").get(0);
        assertThat(routed.routerLoss()).hasValue(0.3);
        assertThat(routed.predictorLoss()).isEmpty();
    }

    @Test
    void metricsOfACrashedRunAreReadUpToTheCut() {
        assertThat(MetricPoint.of("{\"round\":1,\"ce\":2.5,\"tokens\":10,\"flops\":1e3}\n{\"round\":2,\"ce\":2."))
                .hasSize(1);
    }
}
