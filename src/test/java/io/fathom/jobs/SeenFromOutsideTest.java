package io.fathom.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.cluster.TinyRun;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.spark.api.java.JavaSparkContext;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a live Spark shows of a training job to those who look at it from outside. */
class SeenFromOutsideTest {
    private static final Pattern GAUGE =
            Pattern.compile("metrics_\\w+_driver_plugin_io_fathom_cluster_FathomPlugin_(\\w+)_Value\\{[^}]*} (\\S+)");
    private static final Map<String, String> SETTINGS =
            Map.of("spark.master", "local[2]", "spark.ui.enabled", "true", "spark.ui.port", "0");

    @TempDir
    Path run;

    @BeforeEach
    void set() {
        SETTINGS.forEach(System::setProperty);
    }

    @AfterEach
    void unset() {
        SETTINGS.keySet().forEach(System::clearProperty);
    }

    @Test
    void theUiNamesEachRoundAndPrometheusFindsItsNumbers() throws Exception {
        try (JavaSparkContext spark = SparkContexts.start("train")) {
            TinyRun.train(spark, TinyRun.config("train.rounds", "3", "train.encoding", "bf16"), run, false);
            String ui = spark.sc().uiWebUrl().get();
            Map<String, Double> gauges = gauges(get(ui + "/metrics/prometheus"));
            List<String> lines = Files.readAllLines(run.resolve("metrics.jsonl"));
            JsonNode last = new ObjectMapper().readTree(lines.get(2));
            for (String name : List.of("round", "loss", "tokensPerSecond", "bytesUp", "meanChange", "validationLoss")) {
                assertThat(gauges).as(name).containsEntry(name, last.get(name).asDouble());
            }
            assertThat(gauges.get("compressionError_mlp"))
                    .isEqualTo(last.at("/compressionError/mlp").asDouble())
                    .isPositive();
            assertThat(gauges.get("largestWorkerChange"))
                    .isEqualTo(Math.max(
                            last.at("/workerChange/0").asDouble(),
                            last.at("/workerChange/1").asDouble()));
            // Spark tells the page of its jobs in a thread of its own.
            Awaitility.await()
                    .atMost(60, TimeUnit.SECONDS)
                    .untilAsserted(() -> assertThat(get(
                                    ui + "/api/v1/applications/" + spark.sc().applicationId() + "/jobs"))
                            .contains("round 1/3: 2 workers x 2 steps\"")
                            .containsPattern(
                                    "round 3/3: 2 workers x 2 steps; round 2: loss \\d\\.\\d{4}, [0-9,]+ tokens/s\"")
                            .contains("validation after round 3", "checkpoint of round 3"));
        }
    }

    private static Map<String, Double> gauges(String page) {
        Map<String, Double> gauges = new TreeMap<>();
        GAUGE.matcher(page).results().forEach(line -> gauges.put(line.group(1), Double.valueOf(line.group(2))));
        return gauges;
    }

    private static String get(String address) throws IOException, InterruptedException {
        HttpResponse<String> response = HttpClient.newBuilder()
                .followRedirects(HttpClient.Redirect.NORMAL)
                .build()
                .send(HttpRequest.newBuilder(URI.create(address)).build(), HttpResponse.BodyHandlers.ofString());
        assertThat(response.statusCode()).as(address).isEqualTo(200);
        return response.body();
    }
}
