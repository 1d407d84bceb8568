package io.fathom.report;

import io.fathom.checkpoint.RunDirectory;
import io.fathom.config.ConfigReader;
import io.fathom.config.ModelConfig;
import io.fathom.config.ModelConfig.RoutingConfig.Kind;
import io.fathom.config.UserError;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How one run was trained.
 *
 * @param path the run directory
 * @param model its shape as it was configured; empty where {@code config.conf} is not there, or not of this build
 * @param metrics rounds trained; empty when there are none
 */
record TrainedRun(String path, Optional<ModelConfig> model, List<MetricPoint> metrics) {
    static final String METRICS = "metrics.jsonl";
    private static final String CONFIGURATION = "config.conf";

    static TrainedRun read(RunDirectory run) {
        return new TrainedRun(
                run.path(),
                text(run, CONFIGURATION).flatMap(TrainedRun::model),
                text(run, METRICS).map(MetricPoint::of).orElse(List.of()));
    }

    static Optional<String> text(RunDirectory directory, String name) {
        return directory.exists(name) ? Optional.of(directory.readText(name)) : Optional.empty();
    }

    private static Optional<ModelConfig> model(String configuration) {
        try {
            return Optional.of(ConfigReader.read(List.of(ConfigReader.parse(configuration, CONFIGURATION)))
                    .model());
        } catch (UserError ofAnotherBuild) {
            return Optional.empty();
        }
    }

    /** The last part of the path. */
    String name() {
        return path.replaceAll("/+$", "").replaceAll("^.*/", "");
    }

    /** The model in a word or two: {@code MoD 12.5 %}, {@code dense}; the run's name where that is not known. */
    String kind() {
        return model.map(shape -> switch (shape.routing().kind()) {
                    case DENSE -> "dense";
                    case EXPERT_CHOICE -> "MoD " + capacity(shape);
                    case TOKEN_CHOICE -> "token-choice " + capacity(shape);
                    case RANDOM -> "random " + capacity(shape);
                })
                .orElse(name());
    }

    private static String capacity(ModelConfig shape) {
        return Numbers.percent(shape.routing().capacity(), 1).replace(".0\u00a0", "\u00a0");
    }

    /** Whether it is known that no block routes. */
    boolean isDense() {
        return model.map(shape -> shape.routing().kind() == Kind.DENSE).orElse(false);
    }

    /** The last round whose validation loss was measured. */
    Optional<MetricPoint> lastValidation() {
        return metrics.stream()
                .filter(point -> point.validationLoss().isPresent())
                .reduce((before, after) -> after);
    }

    /** Median tokens a second over the rounds, of all workers; NaN without rounds. */
    double tokensPerSecond() {
        return metrics.stream()
                .mapToDouble(MetricPoint::tokensPerSecond)
                .sorted()
                .skip(metrics.size() / 2)
                .findFirst()
                .orElse(Double.NaN);
    }

    /**
     * The validation loss after {@code flops} of training, between two measurements on the line that joins them; empty
     * before the first and after the last.
     */
    OptionalDouble validationLossAt(double flops) {
        MetricPoint before = null;
        for (MetricPoint point : metrics) {
            if (point.validationLoss().isPresent()) {
                double loss = point.validationLoss().getAsDouble();
                if (point.flops() == flops) {
                    return OptionalDouble.of(loss);
                }
                if (before != null && before.flops() < flops && flops < point.flops()) {
                    double earlier = before.validationLoss().orElseThrow();
                    double share = (flops - before.flops()) / (point.flops() - before.flops());
                    return OptionalDouble.of(earlier + share * (loss - earlier));
                }
                before = point;
            }
        }
        return OptionalDouble.empty();
    }
}
