package io.fathom.cluster;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import io.fathom.average.TensorGroup;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.apache.spark.SparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;
import org.jspecify.annotations.Nullable;

/**
 * What Spark runs of Fathom beside tasks, where {@code spark.plugins} names it: the driver's gauges in Spark's metrics
 * system, from where any of its sinks takes them (Prometheus, Graphite, CSV), a way from tasks to the driver while they
 * run, and the executor's sessions, whose memory is given back when it ends. Training works without it, with more
 * copies.
 */
public final class FathomPlugin implements SparkPlugin {
    private static volatile @Nullable RoundMetrics latest;
    private static volatile double validationLoss = Double.NaN;
    private static volatile @Nullable PluginContext here;

    /** The way from this executor's tasks to the driver, whose {@link Arrivals} answer; empty without the plugin. */
    static Optional<PluginContext> toDriver() {
        return Optional.ofNullable(here);
    }

    /** What the gauges show from now on. */
    static void show(RoundMetrics metrics) {
        latest = metrics;
        // Not every round measures it; between two that do, the last one stands.
        metrics.validationLoss().ifPresent(loss -> validationLoss = loss);
    }

    @Override
    public DriverPlugin driverPlugin() {
        return new Driver();
    }

    @Override
    public ExecutorPlugin executorPlugin() {
        return new Executor();
    }

    private static final class Driver implements DriverPlugin {
        @Override
        public Map<String, String> init(SparkContext spark, PluginContext context) {
            return Map.of();
        }

        @Override
        public @Nullable Object receive(Object message) {
            return Arrivals.receive(message);
        }

        @Override
        public void registerMetrics(String application, PluginContext context) {
            MetricRegistry registry = context.metricRegistry();
            gauge(registry, "round", RoundMetrics::round);
            gauge(registry, "tokens", RoundMetrics::tokens);
            gauge(registry, "loss", RoundMetrics::loss);
            gauge(registry, "gradNorm", RoundMetrics::gradNorm);
            gauge(registry, "learningRate", RoundMetrics::learningRate);
            gauge(registry, "tokensPerSecond", RoundMetrics::tokensPerSecond);
            gauge(registry, "flops", RoundMetrics::flops);
            gauge(registry, "roundSeconds", RoundMetrics::seconds);
            gauge(registry, "bytesUp", metrics -> metrics.exchange().bytesUp());
            gauge(registry, "bytesDown", metrics -> metrics.exchange().bytesDown());
            gauge(registry, "meanChange", metrics -> metrics.exchange().meanChange());
            gauge(
                    registry,
                    "largestWorkerChange",
                    metrics -> metrics.exchange().workerChange().stream()
                            .mapToDouble(Double::doubleValue)
                            .max()
                            .orElse(Double.NaN));
            gauge(registry, "cosine", metrics -> metrics.exchange().cosine().orElse(Double.NaN));
            for (TensorGroup group : TensorGroup.values()) {
                String name = group.name().toLowerCase(Locale.ROOT);
                gauge(
                        registry,
                        "compressionError." + name,
                        metrics -> metrics.exchange().compressionError().getOrDefault(name, Double.NaN));
            }
            gauge(registry, "rejected", metrics -> metrics.exchange().rejected().size());
            registry.register("validationLoss", (Gauge<Double>) () -> validationLoss);
        }

        /** Not a number before the first round. */
        private static void gauge(MetricRegistry registry, String name, ToDoubleFunction<RoundMetrics> value) {
            registry.register(name, (Gauge<Double>) () -> {
                RoundMetrics now = latest;
                return now == null ? Double.NaN : value.applyAsDouble(now);
            });
        }
    }

    private static final class Executor implements ExecutorPlugin {
        @Override
        public void init(PluginContext context, Map<String, String> extra) {
            here = context;
            context.metricRegistry()
                    .register("idleSessions", (Gauge<Integer>) ExecutorSessions.ofThisProcess()::idleCount);
            context.metricRegistry().register("workers", (Gauge<Integer>) ResidentMoments.ofThisProcess()::count);
        }

        @Override
        public void shutdown() {
            here = null;
            ExecutorSessions.ofThisProcess().close();
            ResidentMoments.ofThisProcess().close();
        }
    }
}
