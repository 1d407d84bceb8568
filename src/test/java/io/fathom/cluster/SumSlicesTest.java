package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.codahale.metrics.MetricRegistry;
import io.fathom.average.Contribution;
import io.fathom.average.Floats;
import io.fathom.average.Slices;
import io.fathom.average.WeightedMean;
import io.fathom.average.WholeFloats;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.apache.spark.SparkConf;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.resource.ResourceInformation;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import scala.Tuple2;

/** The means of a task come the same whichever way they go to the driver. */
class SumSlicesTest {
    private static final Slices SLICES = new Slices(11, 4);
    private static final int WORKERS = 3;
    /** Gave all slices but the last. */
    private static final int SHORT = 1;

    private static final byte[] REPORT = {1, 2, 3};

    private final Map<Integer, float[]> arrived = new ConcurrentSkipListMap<>();

    @Test
    void inTheDriversProcessTheTaskBringsThem() {
        for (boolean stays : new boolean[] {true, false}) {
            arrived.clear();
            try (Arrivals arrivals = arrivals()) {
                assertThat(sum(arrivals.round(), stays)).as("results").containsExactly(Emission.REPORT);
                assertArrived();
            }
        }
    }

    @Test
    void elsewhereTheyAreMessages() {
        try (Arrivals arrivals = arrivals();
                FarAway executor = new FarAway(arrivals, -1)) {
            assertThat(executor.here()).isTrue();
            assertThat(sum("far away", false)).as("results").containsExactly(Emission.REPORT);
            assertArrived();
        }
    }

    @Test
    void aTaskWhoseMessageIsLostFails() {
        try (Arrivals arrivals = arrivals();
                FarAway executor = new FarAway(arrivals, 1)) {
            assertThat(executor.here()).isTrue();
            assertThatThrownBy(() -> sum("far away", false)).hasMessageContaining("did not all arrive at the driver");
        }
    }

    @Test
    void withoutThePluginTheyAreResults() {
        assertThat(FathomPlugin.toDriver()).isEmpty();
        List<Integer> numbers = new ArrayList<>();
        new SumSlices(SLICES, new WholeFloats(), WORKERS, "far away")
                .call(parcels(false))
                .forEachRemaining(result -> {
                    numbers.add(result._1());
                    if (result._1() != Emission.REPORT) {
                        float[] mean = new float[SLICES.length(result._1())];
                        Floats.get(Floats.buffer(result._2()), mean, mean.length);
                        arrived.put(result._1(), mean);
                    }
                });
        assertThat(numbers).containsExactlyInAnyOrder(Emission.REPORT, 0, 1, 2);
        assertArrived();
    }

    private Arrivals arrivals() {
        return new Arrivals((number, mean) -> arrived.put(number, Arrays.copyOf(mean, SLICES.length(number))));
    }

    private static List<Integer> sum(String round, boolean stays) {
        List<Integer> numbers = new ArrayList<>();
        new SumSlices(SLICES, new WholeFloats(), WORKERS, round)
                .call(parcels(stays))
                .forEachRemaining(result -> {
                    assertThat(result._2()).isEqualTo(REPORT);
                    numbers.add(result._1());
                });
        return numbers;
    }

    private static float[] given(int worker, int slice) {
        SplittableRandom random = new SplittableRandom(10 * worker + slice);
        float[] values = new float[SLICES.length(slice)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static boolean gives(int worker, int slice) {
        return worker != SHORT || slice < SLICES.count() - 1;
    }

    /** Worker after worker, as Spark reads them; those that do not stay lie in the same memory. */
    private static Iterator<Tuple2<Integer, Parcel.Came>> parcels(boolean stays) {
        List<Tuple2<Integer, Integer>> all = new ArrayList<>();
        for (int worker = 0; worker < WORKERS; worker++) {
            for (int slice = 0; slice < SLICES.count(); slice++) {
                if (gives(worker, slice)) {
                    all.add(new Tuple2<>(worker, slice));
                }
            }
        }
        all.add(new Tuple2<>(0, Emission.REPORT));
        byte[] oneForAll = new byte[Contribution.bytes(4 * SLICES.sliceFloats())];
        return all.stream()
                .map(each -> {
                    int slice = each._2();
                    if (slice == Emission.REPORT) {
                        return new Tuple2<>(slice, new Parcel.Came(ByteBuffer.wrap(REPORT), false));
                    }
                    ByteBuffer bytes = Floats.buffer(stays ? new byte[oneForAll.length] : oneForAll);
                    Contribution.begin(each._1(), 100 + each._1(), bytes);
                    float[] values = given(each._1(), slice);
                    new WholeFloats().encode(values, values, 0, values.length, bytes);
                    return new Tuple2<>(slice, new Parcel.Came(bytes.flip(), stays));
                })
                .iterator();
    }

    private void assertArrived() {
        Map<Integer, float[]> expected = new TreeMap<>();
        for (int slice = 0; slice < SLICES.count(); slice++) {
            WeightedMean mean = new WeightedMean(SLICES.length(slice));
            for (int worker = 0; worker < WORKERS; worker++) {
                if (gives(worker, slice)) {
                    mean.add(given(worker, slice), 100 + worker);
                }
            }
            expected.put(slice, mean.mean());
        }
        assertThat(arrived.keySet()).isEqualTo(expected.keySet());
        expected.forEach((slice, mean) -> assertThat(arrived.get(slice)).isEqualTo(mean));
    }

    /** The plugin of an executor far away from {@code arrivals}, whose message {@code lost} does not get through. */
    private record FarAway(Arrivals arrivals, int lost, ExecutorPlugin plugin) implements PluginContext, AutoCloseable {
        FarAway(Arrivals arrivals, int lost) {
            this(arrivals, lost, new FathomPlugin().executorPlugin());
            plugin.init(this, Map.of());
        }

        boolean here() {
            return FathomPlugin.toDriver().isPresent();
        }

        private Dispatch near(Object message) {
            return message instanceof Dispatch.Mean mean
                    ? new Dispatch.Mean(arrivals.round(), mean.number(), mean.bytes())
                    : new Dispatch.Inquiry(arrivals.round(), ((Dispatch.Inquiry) message).numbers());
        }

        @Override
        public void send(Object message) {
            if (!(message instanceof Dispatch.Mean mean && mean.number() == lost)) {
                Arrivals.receive(near(message));
            }
        }

        @Override
        public @Nullable Object ask(Object message) {
            return Arrivals.receive(near(message));
        }

        @Override
        public MetricRegistry metricRegistry() {
            return new MetricRegistry();
        }

        @Override
        public SparkConf conf() {
            return new SparkConf(false);
        }

        @Override
        public String executorID() {
            return "far away";
        }

        @Override
        public String hostname() {
            return "far away";
        }

        @Override
        public Map<String, ResourceInformation> resources() {
            return Map.of();
        }

        @Override
        public void close() {
            plugin.shutdown();
        }
    }
}
