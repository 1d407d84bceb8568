package io.fathom.config;

/** {@code fathom.routing}: how much of the validation split the routing job measures. */
public record RoutingReportConfig(int sequences, int histogramBins, int topTokens) implements Checked {
    @Override
    public void check(Problems problems) {
        problems.atLeast(1, sequences, "sequences");
        problems.atLeast(2, histogramBins, "histogramBins");
        problems.atLeast(1, topTokens, "topTokens");
    }
}
