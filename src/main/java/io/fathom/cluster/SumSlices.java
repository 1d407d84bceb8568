package io.fathom.cluster;

import io.fathom.average.Contribution;
import io.fathom.average.SliceCodec;
import io.fathom.average.SliceMean;
import io.fathom.average.Slices;
import io.fathom.average.WholeFloats;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.api.plugin.PluginContext;
import scala.Tuple2;

/**
 * The means of a few slices, as a task: sends each to the driver when all workers' are in it, and hands reports on as
 * they came. Where there is no way to the driver but the task's result, means are part of it. Numbers beyond the slices
 * of the parameters are those of the moments.
 */
final class SumSlices implements FlatMapFunction<Iterator<Tuple2<Integer, ByteBuffer>>, Tuple2<Integer, byte[]>> {
    private static final long serialVersionUID = 1L;

    private final int size;
    private final int sliceFloats;
    private final SliceCodec codec;
    private final int workers;
    private final String round;

    /** For the {@link Arrivals} of {@code round}. */
    SumSlices(Slices slices, SliceCodec codec, int workers, String round) {
        this.size = slices.size();
        this.sliceFloats = slices.sliceFloats();
        this.codec = codec;
        this.workers = workers;
        this.round = round;
    }

    @Override
    public Iterator<Tuple2<Integer, byte[]>> call(Iterator<Tuple2<Integer, ByteBuffer>> parcels) {
        List<Tuple2<Integer, byte[]>> out = new ArrayList<>();
        List<Integer> sent = new ArrayList<>();
        Optional<PluginContext> driver = FathomPlugin.toDriver();
        Map<Integer, SliceMean> means = new TreeMap<>();
        float[] room = new float[Math.min(size, sliceFloats)];
        BiConsumer<Integer, SliceMean> deliver = (number, mean) -> driver.ifPresentOrElse(
                way -> send(way, number, mean.bytes(room), sent),
                () -> out.add(new Tuple2<>(number, mean.bytes(room))));
        while (parcels.hasNext()) {
            Tuple2<Integer, ByteBuffer> parcel = parcels.next();
            int number = parcel._1();
            if (number == Emission.REPORT) {
                byte[] report = new byte[parcel._2().remaining()];
                parcel._2().get(report);
                out.add(new Tuple2<>(Emission.REPORT, report));
                continue;
            }
            SliceMean mean = means.computeIfAbsent(number, this::mean);
            mean.add(Contribution.of(parcel._2()), room);
            if (mean.holds(workers)) {
                means.remove(number);
                deliver.accept(number, mean);
            }
        }
        // Of slices that not every worker gave.
        means.forEach(deliver);
        driver.ifPresent(way -> requireArrived(way, sent));
        return out.iterator();
    }

    private void send(PluginContext driver, int number, byte[] mean, List<Integer> sent) {
        try {
            driver.send(new Dispatch.Mean(round, number, mean));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        sent.add(number);
    }

    /** What is sent is not answered; a connection that broke may have lost it, and this task must then run again. */
    private void requireArrived(PluginContext driver, List<Integer> sent) {
        boolean arrived;
        try {
            arrived = (Boolean) driver.ask(new Dispatch.Inquiry(
                    round, sent.stream().mapToInt(Integer::intValue).toArray()));
        } catch (Exception e) {
            throw new IllegalStateException("the driver does not say whether " + sent.size() + " means arrived", e);
        }
        if (!arrived) {
            throw new IllegalStateException("means of " + sent.size() + " slices did not all arrive at the driver");
        }
    }

    private SliceMean mean(int number) {
        Slices slices = new Slices(size, sliceFloats);
        int slice = number % slices.count();
        return new SliceMean(number < slices.count() ? codec : new WholeFloats(), slices.from(slice), slices.to(slice));
    }
}
