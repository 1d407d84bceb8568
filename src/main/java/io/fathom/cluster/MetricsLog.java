package io.fathom.cluster;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.checkpoint.Claim;
import io.fathom.checkpoint.OvertakenException;
import io.fathom.checkpoint.RunDirectory;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code <run>/metrics.jsonl}, one JSON object a round, and the same numbers as TensorBoard events under
 * {@code <run>/tensorboard}.
 *
 * <p>Object stores cannot append, so the files are replaced whole, at most once in two seconds and whenever
 * {@link #flush} asks.
 */
final class MetricsLog {
    private static final String NAME = "metrics.jsonl";
    private static final String EVENTS = "tensorboard/events.out.tfevents.0.fathom";
    private static final long INTERVAL_NANOS = 2_000_000_000L;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final RunDirectory run;
    private final Claim claim;
    private final List<JsonNode> rounds = new ArrayList<>();
    private long written = System.nanoTime() - INTERVAL_NANOS;

    /** The log of {@code run}, of which the lines up to {@code round} stay: those after it will be made again. */
    MetricsLog(RunDirectory run, Claim claim, int round) {
        this.run = run;
        this.claim = claim;
        if (round > 0 && run.exists(NAME)) {
            run.readText(NAME)
                    .lines()
                    .map(MetricsLog::parse)
                    .filter(line -> line.path("round").asInt(Integer.MAX_VALUE) <= round)
                    .forEach(rounds::add);
        }
        flush();
    }

    /** A line cut short by a crash belongs to no round. */
    private static JsonNode parse(String line) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            return JSON.createObjectNode();
        }
    }

    void add(RoundMetrics metrics) {
        rounds.add(JSON.valueToTree(metrics.fields()));
        if (System.nanoTime() - written >= INTERVAL_NANOS) {
            flush();
        }
    }

    /** Writes all rounds; throws {@link OvertakenException} when the claim is lost. */
    void flush() {
        claim.check();
        StringBuilder text = new StringBuilder();
        rounds.forEach(round -> text.append(round).append('\n'));
        run.write(NAME, text.toString());
        run.write(EVENTS, TensorBoardEvents.of(rounds));
        written = System.nanoTime();
    }
}
