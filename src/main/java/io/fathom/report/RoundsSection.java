package io.fathom.report;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Function;

/** What the rounds of training say of routers, predictors and workers. */
final class RoundsSection {
    private final List<MetricPoint> rounds;

    RoundsSection(TrainedRun run) {
        this.rounds = run.metrics();
    }

    /** The figures; empty where the rounds say nothing of either. */
    String html() {
        LineChart routers = new LineChart("round", "nats", false)
                .curve("routers, BCE(r, selected)", "c0", false, byRound(MetricPoint::routerLoss))
                .curve("predictors, BCE(p, selected)", "c2", false, byRound(MetricPoint::predictorLoss));
        LineChart workers = new LineChart("round", "cosine", false)
                .curve("agreement", "c0", false, byRound(MetricPoint::agreement));
        String left = routers.isEmpty()
                ? ""
                : Html.figure(
                        "Learning to choose alone",
                        "How well routers, and predictors if there are any, tell what top-k will select: what generating"
                                + " needs.",
                        routers.draw("Loss of routers and predictors by round"));
        String right = workers.isEmpty()
                ? ""
                : Html.figure(
                        "Do workers go the same way?",
                        "Mean cosine between what two workers changed in a round: 1, the same; 0, at right angles, when"
                                + " averaging halves the way of two.",
                        workers.draw("Cosine between the changes of workers by round"));
        return left.isEmpty() && right.isEmpty() ? "" : "<div class=\"two\">" + left + right + "</div>";
    }

    private List<LineChart.Point> byRound(Function<MetricPoint, OptionalDouble> quantity) {
        List<LineChart.Point> points = new ArrayList<>();
        for (MetricPoint round : rounds) {
            quantity.apply(round)
                    .ifPresent(value -> points.add(new LineChart.Point(
                            round.round(), value, "round " + round.round() + ": " + Numbers.fixed(value, 4))));
        }
        return points;
    }
}
