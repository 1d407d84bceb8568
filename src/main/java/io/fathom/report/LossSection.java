package io.fathom.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** How the loss fell, beside the dense twin's. */
final class LossSection {
    private final RunArtefacts run;

    LossSection(RunArtefacts run) {
        this.run = run;
    }

    String html() {
        if (run.metrics().isEmpty()) {
            return Html.missing(
                    "No rounds have been trained in this run directory.", "./submit.sh train --run " + run.path());
        }
        String twin = run.twin().isEmpty()
                ? Html.missing(
                        "No dense twin to compare with.", "./submit.sh report --run " + run.path() + " --twin DIR")
                : "";
        return "<div class=\"two\">"
                + Html.figure(
                        "Loss by tokens",
                        "Cross-entropy; a token is a token, whatever it cost.",
                        chart("training tokens", MetricPoint::tokens))
                + Html.figure(
                        "Loss by training FLOPs",
                        "The same at equal compute: the comparison that counts.",
                        chart("training FLOPs", MetricPoint::flops))
                + "</div>" + twin;
    }

    private String chart(String title, ToDoubleFunction<MetricPoint> x) {
        LineChart chart = new LineChart(title, "nats per token", false)
                .curve("MoD validation", "mod", false, validation(run.metrics(), x, title))
                .curve("dense validation", "dense", false, validation(run.twin(), x, title))
                .curve("MoD training", "mod", true, training(run.metrics(), x, title))
                .curve("dense training", "dense", true, training(run.twin(), x, title));
        run.corpus()
                .ifPresent(corpus -> chart.level(
                        "order-0 entropy of the corpus " + Numbers.fixed(corpus.entropyNatsPerToken(), 2),
                        corpus.entropyNatsPerToken()));
        return chart.draw("Loss by " + title);
    }

    private static List<LineChart.Point> training(
            List<MetricPoint> metrics, ToDoubleFunction<MetricPoint> x, String unit) {
        return metrics.stream()
                .map(point -> point(x.applyAsDouble(point), point.trainingLoss(), "training", point, unit))
                .toList();
    }

    private static List<LineChart.Point> validation(
            List<MetricPoint> metrics, ToDoubleFunction<MetricPoint> x, String unit) {
        List<LineChart.Point> points = new ArrayList<>();
        for (MetricPoint point : metrics) {
            point.validationLoss()
                    .ifPresent(loss -> points.add(point(x.applyAsDouble(point), loss, "validation", point, unit)));
        }
        return points;
    }

    private static LineChart.Point point(double x, double y, String what, MetricPoint point, String unit) {
        return new LineChart.Point(
                x,
                y,
                "round " + point.round() + ": " + what + " " + Numbers.fixed(y, 4) + " nats at " + Numbers.si(x) + " "
                        + unit);
    }
}
