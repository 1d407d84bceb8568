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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/**
 * What a run directory holds, as far as it goes.
 *
 * @param trained how it was trained
 * @param beside runs to compare it with
 * @param routing what the routing job found
 * @param evaluation losses under top-k and the causal rules
 * @param corpus what was learnt from
 * @param configuration the resolved configuration as it is written
 * @param provenance where the run came from
 */
record RunArtefacts(
        TrainedRun trained,
        List<TrainedRun> beside,
        Optional<RoutingResults> routing,
        Optional<JsonNode> evaluation,
        Optional<CorpusManifest> corpus,
        Optional<String> configuration,
        Optional<JsonNode> provenance) {

    /**
     * Reads a run.
     *
     * @param beside directories of runs to compare with; {@code <run>/dense}, if there is one, when none is given
     * @param corpus directory of the corpus
     * @throws UserError when the run directory does not exist, or a run to compare with has no metrics
     */
    static RunArtefacts read(Configuration hadoop, String path, List<String> beside, String corpus) throws IOException {
        RunDirectory run = new RunDirectory(hadoop, path);
        if (!run.exists(".")) {
            throw new UserError("run = " + path + ": there is no such directory; name one that `train` has written");
        }
        List<TrainedRun> others = new ArrayList<>();
        for (String other : beside.isEmpty() ? List.of(path + "/dense") : beside) {
            RunDirectory directory = new RunDirectory(hadoop, other);
            if (directory.exists(TrainedRun.METRICS)) {
                others.add(TrainedRun.read(directory));
            } else if (!beside.isEmpty()) {
                throw new UserError("--beside " + other + ": holds no " + TrainedRun.METRICS
                        + "; name the run directory of a trained model");
            }
        }
        RunDirectory corpusDirectory = new RunDirectory(hadoop, corpus);
        return new RunArtefacts(
                TrainedRun.read(run),
                others,
                new RoutingFiles(hadoop, path).read(),
                EvaluationResults.read(run),
                TrainedRun.text(corpusDirectory, "manifest.json")
                        .map(json -> CorpusManifest.ofJson(json, corpusDirectory.path("manifest.json"))),
                TrainedRun.text(run, "config.conf"),
                TrainedRun.text(run, "provenance.json").map(json -> json(json, run.path("provenance.json"))));
    }

    String path() {
        return trained.path();
    }

    private static JsonNode json(String text, String place) {
        try {
            JsonNode json = new ObjectMapper().readTree(text);
            if (!json.isObject()) {
                throw new UserError(place + ": holds no JSON object; delete it or train again");
            }
            return json;
        } catch (JsonProcessingException e) {
            throw new UserError(place + ": is not JSON (" + e.getOriginalMessage() + "); delete it or train again", e);
        }
    }
}
