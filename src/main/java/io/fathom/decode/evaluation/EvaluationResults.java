package io.fathom.decode.evaluation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.config.UserError;
import io.fathom.model.Flops;
import io.fathom.model.ModelSpec;
import io.fathom.routing.Table;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * An evaluation as tables and as {@code <run>/evaluation/evaluation.json}, which holds each table as a list of objects
 * beside what was evaluated; each table is {@code <run>/evaluation/NAME.csv} too.
 *
 * <p>Tables: {@code modes} (loss, gap, capacity, FLOPs of each mode), {@code capacities} (of each mode and routed
 * block), {@code signals} (how each signal foretells top-k, by block), {@code deciles} (likewise by tenth of the
 * sequence). A number that is not defined is NaN in CSV and null in JSON.
 *
 * @param summary the JSON file
 */
public record EvaluationResults(JsonNode summary, List<Table> tables) {
    private static final String FOLDER = "evaluation/";
    private static final String FILE = FOLDER + "evaluation.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    public EvaluationResults {
        tables = List.copyOf(tables);
    }

    /** What was evaluated: the checkpoint of {@code round} on the first sequences of {@code split}. */
    public record Source(int round, String split, double bytesPerToken) {}

    /** The results of {@code fold}; causal modes are compared with routing as in training. */
    public static EvaluationResults of(Source source, EvaluationFold fold, Thresholds thresholds) {
        List<Table> tables = List.of(modes(source, fold), capacities(fold, thresholds), signals(fold), deciles(fold));
        ObjectNode summary = JSON.createObjectNode();
        ModeFold first = fold.mode(Mode.TRAINED);
        summary.put("round", source.round());
        summary.put("split", source.split());
        summary.put("sequences", first.sequences());
        summary.put("tokens", first.tokens());
        summary.put("bytes_per_token", source.bytesPerToken());
        tables.forEach(table -> summary.set(table.name(), json(table)));
        return new EvaluationResults(summary, tables);
    }

    private static Table modes(Source source, EvaluationFold fold) {
        ModelSpec spec = fold.spec();
        double reference = fold.mode(Mode.TRAINED).loss();
        double dense = new Flops(spec.dense()).forwardPerToken();
        Table.Builder table = Table.named("modes")
                .text("mode")
                .number("loss")
                .number("perplexity")
                .number("bits_per_byte")
                .number("gap_nats")
                .number("gap_percent")
                .number("capacity")
                .number("forward_flops_per_token")
                .number("share_of_dense_twin");
        for (Mode mode : fold.modes()) {
            ModeFold found = fold.mode(mode);
            boolean predicts = mode == Mode.TRAINED
                    || mode.signal().map(s -> s.name().equals("PREDICTOR")).orElse(false);
            double flops = found.flopsPerToken(spec, predicts);
            table.row(
                    mode.label(spec),
                    found.loss(),
                    Math.exp(found.loss()),
                    found.loss() / Math.log(2) / source.bytesPerToken(),
                    found.loss() - reference,
                    100 * (found.loss() - reference) / reference,
                    found.capacity(),
                    flops,
                    flops / dense);
        }
        return table.build();
    }

    private static Table capacities(EvaluationFold fold, Thresholds thresholds) {
        Table.Builder table = Table.named("capacities")
                .text("mode")
                .whole("block")
                .number("threshold")
                .number("capacity");
        List<Integer> routed = fold.spec().routedBlocks();
        for (Mode mode : fold.modes()) {
            for (int i = 0; i < routed.size(); i++) {
                int block = routed.get(i);
                double threshold = mode.signal()
                        .map(signal -> mode.rule(thresholds).threshold(block))
                        .orElse(Double.NaN);
                table.row(
                        mode.label(fold.spec()),
                        block,
                        threshold,
                        fold.mode(mode).capacity(i));
            }
        }
        return table.build();
    }

    private static Table signals(EvaluationFold fold) {
        Table.Builder table = confusion(Table.named("signals").text("signal").whole("block"))
                .number("auc")
                .number("top_k_overlap")
                .number("calibration_error");
        for (EvaluationFold.Source source : fold.sources()) {
            SignalFold found = fold.signal(source);
            Confusion all = found.confusion();
            table.row(
                    name(source),
                    source.block(),
                    all.rate(),
                    all.accuracy(),
                    all.bypassBaseline(),
                    all.precision(),
                    all.recall(),
                    all.f1(),
                    found.areaUnderCurve(),
                    found.topKOverlap(),
                    found.calibrationError());
        }
        return table.build();
    }

    private static Table deciles(EvaluationFold fold) {
        Table.Builder table =
                confusion(Table.named("deciles").text("signal").whole("block").whole("decile"));
        for (EvaluationFold.Source source : fold.sources()) {
            for (int decile = 0; decile < SignalFold.DECILES; decile++) {
                Confusion part = fold.signal(source).confusion(decile);
                table.row(
                        name(source),
                        source.block(),
                        decile,
                        part.rate(),
                        part.accuracy(),
                        part.bypassBaseline(),
                        part.precision(),
                        part.recall(),
                        part.f1());
            }
        }
        return table.build();
    }

    private static Table.Builder confusion(Table.Builder table) {
        return table.number("rate")
                .number("accuracy")
                .number("bypass_baseline")
                .number("precision")
                .number("recall")
                .number("f1");
    }

    private static String name(EvaluationFold.Source source) {
        return source.signal().name().toLowerCase(Locale.ROOT);
    }

    private static ArrayNode json(Table table) {
        ArrayNode rows = JSON.createArrayNode();
        for (List<Object> row : table.rows()) {
            ObjectNode object = rows.addObject();
            for (int i = 0; i < row.size(); i++) {
                Object cell = row.get(i);
                boolean defined = !(cell instanceof Double number) || Double.isFinite(number);
                object.set(table.columns().get(i).name(), defined ? JSON.valueToTree(cell) : JSON.nullNode());
            }
        }
        return rows;
    }

    /** The table {@code name}. */
    public Table table(String name) {
        return tables.stream()
                .filter(t -> t.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("an evaluation has no table " + name));
    }

    /** Writes the JSON file and the tables into {@code run}. */
    public void writeTo(RunDirectory run) {
        for (Table table : tables) {
            run.write(FOLDER + table.name() + ".csv", table.csv());
        }
        run.write(FILE, summary.toPrettyString() + "\n");
    }

    /** The JSON file of {@code run}; empty where it was not evaluated. */
    public static Optional<JsonNode> read(RunDirectory run) {
        if (!run.exists(FILE)) {
            return Optional.empty();
        }
        try {
            JsonNode results = JSON.readTree(run.readText(FILE));
            if (!results.path("modes").isArray()) {
                throw new UserError(run.path(FILE) + ": not what `evaluate` writes; run it again");
            }
            return Optional.of(results);
        } catch (JsonProcessingException e) {
            throw new UserError(
                    run.path(FILE) + ": not JSON (" + e.getOriginalMessage() + "); run `evaluate` again", e);
        }
    }
}
