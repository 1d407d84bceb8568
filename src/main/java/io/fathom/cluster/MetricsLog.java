package io.fathom.cluster;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.checkpoint.RunDirectory;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code <run>/metrics.jsonl}: one JSON object a round.
 *
 * <p>Object stores cannot append, so the file is replaced whole, at most once in two seconds and whenever
 * {@link #flush} asks.
 */
final class MetricsLog {
    private static final String NAME = "metrics.jsonl";
    private static final long INTERVAL_NANOS = 2_000_000_000L;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final RunDirectory run;
    private final List<String> lines = new ArrayList<>();
    private long written = System.nanoTime() - INTERVAL_NANOS;

    /** The log of {@code run}, of which the lines up to {@code round} stay: those after it will be made again. */
    MetricsLog(RunDirectory run, int round) {
        this.run = run;
        if (round > 0 && run.exists(NAME)) {
            run.readText(NAME).lines().filter(line -> roundOf(line) <= round).forEach(lines::add);
        }
        flush();
    }

    /** A line cut short by a crash belongs to no round. */
    private static int roundOf(String line) {
        try {
            return JSON.readTree(line).path("round").asInt(Integer.MAX_VALUE);
        } catch (JsonProcessingException e) {
            return Integer.MAX_VALUE;
        }
    }

    void add(RoundMetrics metrics) {
        try {
            lines.add(JSON.writeValueAsString(metrics.fields()));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("numbers can be written as JSON", e);
        }
        if (System.nanoTime() - written >= INTERVAL_NANOS) {
            flush();
        }
    }

    void flush() {
        run.write(NAME, lines.isEmpty() ? "" : String.join("\n", lines) + "\n");
        written = System.nanoTime();
    }
}
