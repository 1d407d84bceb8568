package io.fathom.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.config.UserError;
import io.fathom.model.Flops;
import io.fathom.model.ModelSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RoutingResultsTest {
    private static final ModelSpec SPEC = SyntheticTraces.model(20, 4, 0.2, true);
    private static final Configuration HADOOP = new Configuration();

    @TempDir
    private Path run;

    static RoutingResults results(ModelSpec spec, RoutingFold fold, FlopFigures figures) {
        TokenText text = new TokenText(256, token -> new byte[] {(byte) token});
        return RoutingResults.of(
                new ObjectMapper().createObjectNode().put("round", 7), spec, fold, figures, text, 30, 5);
    }

    private static RoutingResults results(ModelSpec spec) {
        RoutingFold fold = new RoutingFold(spec, 20, 2);
        SyntheticTraces.of(spec, "To be, or not\tto be: \"that\" is 1 question.\n", 50, 3)
                .forEach(fold::add);
        return results(spec, fold, FlopFigures.of(spec, fold, (double) new Flops(spec).forward()));
    }

    @Test
    void figuresAgreeAndRealisedFollowsWhatWasTaken() {
        RoutingResults results = results(SPEC);
        assertThat(results.summary().get("flops_agree").asBoolean()).isTrue();
        Table flops = results.table("flops");
        Flops formula = new Flops(SPEC);
        assertThat(flops.number(0, "forward_flops_per_token"))
                .isEqualTo(formula.denseTwin().forwardPerToken());
        assertThat(flops.number(1, "forward_flops_per_token")).isEqualTo(formula.forwardPerToken());
        assertThat(flops.number(1, "saved")).isCloseTo(formula.savedShare(), within(1e-12));
        Table causal = results.table("causal");
        for (int row = 3; row < flops.rows().size(); row++) {
            String rule = flops.text(row, "rule");
            double drift = 0;
            for (int i = 0; i < causal.rows().size(); i++) {
                drift += causal.text(i, "rule").equals(rule) ? causal.number(i, "drift") : 0;
            }
            // More tokens taken than budgeted cost more than budgeted, and the reverse, far from equality.
            if (Math.abs(drift) > 0.1) {
                assertThat(Math.signum(flops.number(row, "forward_flops_per_token")
                                - flops.number(1, "forward_flops_per_token")))
                        .isEqualTo(Math.signum(drift));
            }
        }
        FlopFigures wrong = new FlopFigures(10, 5, 6, List.of(new FlopFigures.Realised("top-k", 5)), 1);
        assertThat(wrong.agree()).isFalse();
    }

    @Test
    void tablesAddUp() {
        RoutingResults results = results(SPEC);
        Table classes = results.table("classes");
        double share = 0;
        double depth = 0;
        for (int row = 0; row < classes.rows().size(); row++) {
            share += classes.number(row, "share_of_tokens");
            depth += classes.number(row, "share_of_tokens") * classes.number(row, "mean_depth");
        }
        assertThat(share).isCloseTo(1, within(1e-12));
        assertThat(depth)
                .isCloseTo(results.summary().at("/depth/mean").asDouble(), within(1e-12))
                .isCloseTo(0.4, within(1e-12));
        Table deciles = results.table("deciles");
        assertThat(deciles.rows()).hasSize(20);
        assertThat(deciles.whole(0, "tokens")).isEqualTo(100);
        Table tokens = results.table("tokens");
        assertThat(tokens.text(0, "list")).isEqualTo("most routed");
        assertThat(tokens.text(0, "text")).isEqualTo(" ");
        assertThat(tokens.number(0, "rate")).isBetween(tokens.number(0, "rate_low"), tokens.number(0, "rate_high"));
        assertThat(tokens.number(0, "lift")).isGreaterThan(1);
        for (int row = 0; row < tokens.rows().size(); row++) {
            double lift = tokens.number(row, "lift");
            assertThat(lift > 1).isEqualTo(tokens.text(row, "list").equals("most routed"));
        }
        assertThat(results.table("excerpt").rows()).hasSize(40);
        Table histograms = results.table("histograms");
        long counted = 0;
        for (int row = 0; row < histograms.rows().size(); row++) {
            counted += histograms.whole(row, "selected") + histograms.whole(row, "bypassed");
        }
        assertThat(counted).isEqualTo(2 * 2 * 50 * 20);
    }

    @Test
    void parquetGivesBackWhatWasWritten() throws IOException {
        RoutingFiles files = new RoutingFiles(HADOOP, run.toString());
        assertThat(files.read()).isEmpty();
        for (ModelSpec spec : List.of(SPEC, SyntheticTraces.model(20, 2, 0.2, false))) {
            RoutingResults results = results(spec);
            files.write(results);
            RoutingResults read = files.read().orElseThrow();
            assertThat(read.summary())
                    .isEqualTo(new ObjectMapper().readTree(results.summary().toString()));
            for (Table table : results.tables()) {
                assertThat(read.table(table.name())).isEqualTo(table);
            }
        }
        try (var listed = Files.list(run)) {
            assertThat(listed).containsExactly(run.resolve("routing"));
        }
        try (var listed = Files.list(run.resolve("routing"))) {
            assertThat(listed).hasSize(2 * results(SPEC).tables().size() + 1);
        }
    }

    @Test
    void aFolderThatLacksATableSaysHowToMakeIt() throws IOException {
        RoutingResults results = results(SPEC);
        assertThat(results.tables()).extracting(Table::name).containsExactlyElementsOf(RoutingResults.TABLES);
        RoutingFiles files = new RoutingFiles(HADOOP, run.toString());
        files.write(results);
        Files.delete(run.resolve("routing/positions.parquet"));
        assertThatThrownBy(files::read)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("routing: is not whole")
                .hasMessageContaining("positions.parquet")
                .hasMessageEndingWith("make it anew with the job routing");
    }

    @Test
    void csvHoldsTheSameCells() throws IOException {
        RoutingResults results = results(SPEC);
        new RoutingFiles(HADOOP, run.toString()).write(results);
        List<String> lines = Files.readAllLines(run.resolve("routing/tokens.csv"));
        assertThat(lines.get(0)).startsWith("list,rank,token,text,class,occurrences,selected,rate");
        assertThat(lines.get(1)).startsWith("most routed,1,32,\" \",whitespace,");
        assertThat(lines).hasSize(1 + results.table("tokens").rows().size());
        assertThat(Table.named("t")
                        .text("a")
                        .whole("b")
                        .number("c")
                        .row("x,\"y\"", 3, Double.NaN)
                        .build()
                        .csv())
                .isEqualTo("a,b,c\n\"x,\"\"y\"\"\",3,NaN\n");
    }

    @Test
    void aBrokenFileIsNamedWithItsRemedy() throws IOException {
        RoutingFiles files = new RoutingFiles(HADOOP, run.toString());
        files.write(results(SPEC));
        Files.write(run.resolve("routing/depth.parquet"), new byte[] {1, 2, 3});
        assertThatThrownBy(files::read)
                .isInstanceOf(UserError.class)
                .hasMessageContaining("routing")
                .hasMessageContaining("make it anew with the job routing");
    }

    @Test
    void aTableRefusesCellsOfAnotherType() {
        assertThatThrownBy(() -> Table.named("t").whole("a").row("x").build()).hasMessageContaining("column a");
        assertThatThrownBy(() -> Table.named("t").whole("a").row(1, 2).build()).hasMessageContaining("2 cells");
    }
}
