package io.fathom.report;

import io.fathom.checkpoint.RunDirectory;
import io.fathom.config.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/** A run directory as one HTML page: {@code <run>/report.html}. */
public final class ReportPage {
    private final RunArtefacts run;

    private ReportPage(RunArtefacts run) {
        this.run = run;
    }

    /**
     * Reads the run directory {@code run} and writes its report. Parts that are not there yet are named on the page
     * with the command that makes them.
     *
     * @param beside run directories to compare with; {@code <run>/dense}, if there is one, when none is given
     * @param corpus directory of the corpus
     * @return the path of the page
     * @throws UserError when there is no such run, or what is there cannot be read
     */
    public static String write(Configuration hadoop, String run, List<String> beside, String corpus)
            throws IOException {
        String page = new ReportPage(RunArtefacts.read(hadoop, run, beside, corpus)).html();
        RunDirectory directory = new RunDirectory(hadoop, run);
        directory.write("report.html", page);
        return directory.path("report.html");
    }

    private String html() throws IOException {
        String name = run.trained().name();
        String routing = run.routing()
                .map(found -> section("layers", "What the routers learned", new LayersSection(found).html())
                        + section("tokens", "Which tokens go deep", new TokensSection(found).html())
                        + section("cost", "What it saved", new CostSection(found, run).html()))
                .orElseGet(() -> run.trained().isDense()
                        ? ""
                        : section(
                                "layers",
                                "What the routers learned",
                                Html.missing(
                                        "The routing of this run has not been measured.",
                                        "./submit.sh routing --run " + run.path())));
        return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                + "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" + Html.escape(name)
                + " – Fathom routing report</title>\n<style>\n" + style() + "</style>\n</head>\n<body>\n<header>"
                + "<p class=\"brand\">Fathom</p><h1>" + Html.escape(name) + "</h1><p>" + Html.escape(subtitle())
                + "</p></header>\n<main>\n" + new Tiles(run).html()
                + section("loss", "How it learned", new LossSection(run).html()) + routing + rounds()
                + section("source", "Provenance", new SourceSection(run).html()) + "</main>\n<footer><p>"
                + Html.escape(run.path()) + "</p></footer>\n</body>\n</html>\n";
    }

    private String rounds() {
        String rounds = new RoundsSection(run.trained()).html();
        return rounds.isEmpty() ? "" : section("rounds", "Round by round", rounds);
    }

    private String subtitle() {
        return run.routing()
                .map(found -> {
                    var model = found.summary().path("model");
                    return "Mixture-of-Depths language model: "
                            + model.path("blocks").asInt() + " blocks of width "
                            + model.path("width").asInt() + ", "
                            + model.path("routed_blocks").size()
                            + " routed by " + model.path("router").asText() + ", capacity "
                            + Numbers.percent(model.path("capacity").asDouble(), 1) + ", gate "
                            + model.path("gate").asText() + ". Routing measured at round "
                            + found.summary().path("round").asInt() + " on "
                            + Numbers.whole(found.summary().path("tokens").asLong()) + " validation tokens.";
                })
                .orElse(run.trained().isDense() ? "Dense language model" : "Mixture-of-Depths language model");
    }

    private static String section(String id, String title, String body) {
        return "<section id=\"" + id + "\"><h2>" + Html.escape(title) + "</h2>\n" + body + "</section>\n";
    }

    private static String style() throws IOException {
        try (InputStream in = ReportPage.class.getResourceAsStream("report.css")) {
            if (in == null) {
                throw new IOException("report.css is missing from this build");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
