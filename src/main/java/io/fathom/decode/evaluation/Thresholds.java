package io.fathom.decode.evaluation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.config.UserError;
import io.fathom.decode.CausalRule;
import io.fathom.decode.CausalRule.Signal;
import io.fathom.decode.Decoder;
import io.fathom.engine.TokenReader;
import io.fathom.model.Flops;
import io.fathom.model.ModelSpec;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Calibrated thresholds of one checkpoint: per signal and routed block the number its signal must exceed for the
 * capacity to hold; {@code <run>/evaluation/thresholds.json}.
 *
 * @param round the checkpoint's
 * @param bySignal thresholds by block, by signal
 */
public record Thresholds(int round, Map<Signal, Map<Integer, Double>> bySignal) implements Serializable {
    /** Where a run keeps them. */
    public static final String FILE = "evaluation/thresholds.json";

    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES);

    public Thresholds {
        bySignal = new TreeMap<>(bySignal);
    }

    /** Calibrates the model's signals on {@code windows}, which should not be those it is then evaluated on. */
    public static Thresholds calibrate(int round, TokenReader reader, List<int[]> windows) {
        ModelSpec spec = reader.spec();
        Map<Signal, Map<Integer, Double>> bySignal = new TreeMap<>();
        for (Signal signal : Mode.signals(spec)) {
            // k is a whole number of tokens: what it is of S is the share to hold, not c itself.
            double share = (double) new Flops(spec).selected() / spec.context();
            Decoder decoder = new Decoder(reader, CausalRule.of(signal));
            bySignal.put(signal, decoder.calibrate(windows, share));
        }
        return new Thresholds(round, bySignal);
    }

    /** The thresholds of {@code signal} by block. */
    public Map<Integer, Double> of(Signal signal) {
        Map<Integer, Double> found = bySignal.get(signal);
        if (found == null) {
            throw new IllegalArgumentException("no thresholds were calibrated for " + signal);
        }
        return found;
    }

    /** Writes them into {@code run}. */
    public void writeTo(RunDirectory run) {
        try {
            run.write(FILE, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(this) + "\n");
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("thresholds are plain data", e);
        }
    }

    /**
     * The thresholds of {@code run} for its checkpoint of {@code round}; throws {@link UserError} when there are none.
     */
    public static Thresholds read(RunDirectory run, int round) {
        String place = run.path(FILE);
        if (!run.exists(FILE)) {
            throw new UserError(place + ": no calibrated thresholds there; run `evaluate` with this --run first");
        }
        Thresholds found;
        try {
            found = JSON.readValue(run.readText(FILE), Thresholds.class);
        } catch (JsonProcessingException e) {
            throw new UserError(place + ": not thresholds (" + e.getOriginalMessage() + "); run `evaluate` again", e);
        }
        if (found.round != round) {
            throw new UserError(place + ": was calibrated for round " + found.round + ", the checkpoint is of round "
                    + round + "; run `evaluate` again");
        }
        return found;
    }
}
