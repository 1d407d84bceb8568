package io.fathom.report;

import com.fasterxml.jackson.databind.JsonNode;
import io.fathom.routing.Table;

/** The main figures of a run, at a glance. */
final class Tiles {
    private final RunArtefacts run;
    private final StringBuilder out = new StringBuilder("<div class=\"tiles\">");

    Tiles(RunArtefacts run) {
        this.run = run;
    }

    String html() {
        run.trained().lastValidation().ifPresent(this::loss);
        if (!run.trained().metrics().isEmpty()) {
            MetricPoint last =
                    run.trained().metrics().get(run.trained().metrics().size() - 1);
            tile(
                    "trained",
                    Numbers.si(last.tokens()),
                    "tokens",
                    Numbers.si(last.flops(), "FLOPs") + ", " + last.round() + " rounds");
        }
        run.routing().ifPresent(routing -> {
            Table flops = routing.table("flops");
            tile(
                    "forward FLOPs saved",
                    Numbers.percent(flops.number(1, "saved"), 1).replace("\u00a0%", ""),
                    "%",
                    Numbers.si(flops.number(1, "forward_flops_per_token"), "FLOPs") + " a token forward, dense "
                            + Numbers.si(flops.number(0, "forward_flops_per_token")));
            JsonNode model = routing.summary().path("model");
            tile(
                    "a routed block takes",
                    model.path("selected_tokens").asText(),
                    "of " + model.path("context").asText() + " tokens",
                    model.path("routed_blocks").size() + " of "
                            + model.path("blocks").asInt() + " blocks route");
            predictor(routing.table("causal"));
        });
        if (!run.trained().metrics().isEmpty()) {
            tile("speed", Numbers.si(run.trained().tokensPerSecond()), "tokens/s", "median over rounds, all workers");
        }
        return out.append("</div>").toString();
    }

    private void loss(MetricPoint last) {
        double loss = last.validationLoss().orElseThrow();
        String bits = last.bitsPerByte().isPresent()
                ? Numbers.fixed(last.bitsPerByte().getAsDouble(), 3) + " bits per byte"
                : "";
        String twin = run.beside().stream()
                .filter(TrainedRun::isDense)
                .findFirst()
                .flatMap(TrainedRun::lastValidation)
                .map(point ->
                        "; dense twin " + Numbers.fixed(point.validationLoss().orElseThrow(), 3))
                .orElse("");
        tile("validation loss", Numbers.fixed(loss, 3), "nats", bits + twin);
    }

    private void predictor(Table causal) {
        double accuracy = 0;
        double baseline = 0;
        int blocks = 0;
        for (int row = 0; row < causal.rows().size(); row++) {
            if (causal.text(row, "rule").equals("predictor")) {
                accuracy += causal.number(row, "accuracy");
                baseline += causal.number(row, "bypass_baseline");
                blocks++;
            }
        }
        if (blocks > 0) {
            tile(
                    "predictor accuracy",
                    Numbers.percent(accuracy / blocks, 1).replace("\u00a0%", ""),
                    "%",
                    "always bypass: " + Numbers.percent(baseline / blocks, 1));
        }
    }

    private void tile(String label, String value, String unit, String below) {
        out.append("<div><span>")
                .append(Html.escape(label))
                .append("</span><strong>")
                .append(Html.escape(value));
        out.append("<small>").append(Html.escape(unit)).append("</small></strong><span>");
        out.append(Html.escape(below)).append("</span></div>");
    }
}
