package io.fathom.report;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/** This run and those it is compared with, by name. */
final class Comparison {
    private final List<TrainedRun> runs = new ArrayList<>();

    /** Compares {@code run} with {@code others}; runs without rounds are left out. */
    Comparison(TrainedRun run, List<TrainedRun> others) {
        runs.add(run);
        runs.addAll(others);
        runs.removeIf(each -> each.metrics().isEmpty());
    }

    /** This run first. */
    List<TrainedRun> runs() {
        return runs;
    }

    /** The kind of its model, with the run's own name where another run has that kind too. */
    String label(TrainedRun run) {
        boolean shared =
                runs.stream().filter(each -> each.kind().equals(run.kind())).count() > 1;
        return shared && !run.kind().equals(run.name()) ? run.kind() + " (" + run.name() + ")" : run.kind();
    }

    /** A row a run; nothing where there is one alone. */
    String table() {
        if (runs.size() < 2) {
            return "";
        }
        double common = runs.stream()
                .map(TrainedRun::lastValidation)
                .flatMap(last -> last.stream())
                .mapToDouble(MetricPoint::flops)
                .min()
                .orElse(Double.NaN);
        StringBuilder out = new StringBuilder("<div class=\"wide\"><table><thead><tr><th>run</th><th>rounds</th>"
                + "<th>tokens</th><th>training FLOPs</th><th>tokens/s</th><th>nats per token</th>"
                + "<th>bits per byte</th><th>nats at " + Numbers.si(common, "FLOPs") + "</th></tr></thead><tbody>");
        for (TrainedRun run : runs) {
            MetricPoint last = run.metrics().get(run.metrics().size() - 1);
            out.append("<tr title=\"").append(Html.escape(run.path())).append("\"><th>");
            out.append(Html.escape(label(run))).append("</th>");
            for (String cell : List.of(
                    String.valueOf(last.round()),
                    Numbers.si(last.tokens()),
                    Numbers.si(last.flops()),
                    Numbers.si(run.tokensPerSecond()),
                    fixed(run.lastValidation().map(MetricPoint::validationLoss).orElse(OptionalDouble.empty())),
                    fixed(run.lastValidation().map(MetricPoint::bitsPerByte).orElse(OptionalDouble.empty())),
                    fixed(run.validationLossAt(common)))) {
                out.append("<td>").append(cell).append("</td>");
            }
            out.append("</tr>");
        }
        return Html.figure(
                "Side by side",
                "Validation loss at the end, and after as many training FLOPs as the cheapest run spent, on the line"
                        + " between two validations.",
                out.append("</tbody></table></div>").toString());
    }

    private static String fixed(OptionalDouble value) {
        return Numbers.fixed(value.orElse(Double.NaN), 4);
    }
}
