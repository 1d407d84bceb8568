package io.fathom.config;

/** {@code fathom.routing}: how much of the validation split the routing job measures. */
public record RoutingReportConfig(int sequences, int histogramBins, int topTokens) {}
