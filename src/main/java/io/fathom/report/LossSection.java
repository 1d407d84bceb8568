package io.fathom.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** How the loss fell, beside that of other runs. */
final class LossSection {
    private final RunArtefacts run;
    private final Comparison comparison;

    LossSection(RunArtefacts run) {
        this.run = run;
        this.comparison = new Comparison(run.trained(), run.beside());
    }

    String html() {
        if (run.trained().metrics().isEmpty()) {
            return Html.missing(
                    "No rounds have been trained in this run directory.", "./submit.sh train --run " + run.path());
        }
        String alone = run.beside().isEmpty()
                ? Html.missing(
                        "No other run, such as a dense twin, to compare with.",
                        "./submit.sh report --run " + run.path() + " --beside DIR")
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
                + "</div>" + comparison.table() + alone;
    }

    private String chart(String title, ToDoubleFunction<MetricPoint> x) {
        LineChart chart = new LineChart(title, "nats per token", false);
        int colour = 0;
        for (TrainedRun each : comparison.runs()) {
            String style = "c" + colour++ % 8;
            String label = comparison.label(each);
            chart.curve(label + " validation", style, false, validation(each.metrics(), x, title))
                    .curve(label + " training", style, true, training(each.metrics(), x, title));
        }
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
