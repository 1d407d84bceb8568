package io.fathom.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.config.UserError;
import io.fathom.corpus.CorpusManifest;
import io.fathom.decode.evaluation.EvaluationResults;
import io.fathom.routing.RoutingFiles;
import io.fathom.routing.RoutingResults;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/**
 * What a run directory holds, as far as it goes.
 *
 * @param path the run directory
 * @param metrics rounds trained; empty when there are none
 * @param twin rounds of the dense twin; empty when there is none
 * @param routing what the routing job found
 * @param evaluation losses under top-k and the causal rules
 * @param corpus what was learnt from
 * @param configuration the resolved configuration as it is written
 * @param provenance where the run came from
 */
record RunArtefacts(
        String path,
        List<MetricPoint> metrics,
        List<MetricPoint> twin,
        Optional<RoutingResults> routing,
        Optional<JsonNode> evaluation,
        Optional<CorpusManifest> corpus,
        Optional<String> configuration,
        Optional<JsonNode> provenance) {
    private static final String METRICS = "metrics.jsonl";

    /**
     * Reads a run.
     *
     * @param twin directory of the dense twin's run; {@code <run>/dense}, if there is one, when not given
     * @param corpus directory of the corpus
     * @throws UserError when the run directory does not exist, or a twin was named that has no metrics
     */
    static RunArtefacts read(Configuration hadoop, String path, Optional<String> twin, String corpus)
            throws IOException {
        RunDirectory run = new RunDirectory(hadoop, path);
        if (!run.exists(".")) {
            throw new UserError("run = " + path + ": there is no such directory; name one that `train` has written");
        }
        RunDirectory twinRun = new RunDirectory(hadoop, twin.orElse(path + "/dense"));
        if (twin.isPresent() && !twinRun.exists(METRICS)) {
            throw new UserError("--twin " + twin.get() + ": holds no " + METRICS
                    + "; name the run directory of a trained dense twin");
        }
        RunDirectory corpusDirectory = new RunDirectory(hadoop, corpus);
        return new RunArtefacts(
                run.path(),
                text(run, METRICS).map(MetricPoint::of).orElse(List.of()),
                text(twinRun, METRICS).map(MetricPoint::of).orElse(List.of()),
                new RoutingFiles(hadoop, path).read(),
                EvaluationResults.read(run),
                text(corpusDirectory, "manifest.json")
                        .map(json -> CorpusManifest.ofJson(json, corpusDirectory.path("manifest.json"))),
                text(run, "config.conf"),
                text(run, "provenance.json").map(json -> json(json, run.path("provenance.json"))));
    }

    private static Optional<String> text(RunDirectory directory, String name) {
        return directory.exists(name) ? Optional.of(directory.readText(name)) : Optional.empty();
    }

    private static JsonNode json(String text, String place) {
        try {
            return new ObjectMapper().readTree(text);
        } catch (JsonProcessingException e) {
            throw new UserError(place + ": is not JSON (" + e.getOriginalMessage() + "); delete it or train again", e);
        }
    }
}
