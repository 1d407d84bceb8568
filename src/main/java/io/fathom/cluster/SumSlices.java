package io.fathom.cluster;

import io.fathom.average.Contribution;
import io.fathom.average.Floats;
import io.fathom.average.SliceCodec;
import io.fathom.average.SliceMean;
import io.fathom.average.Slices;
import io.fathom.average.WholeFloats;
import java.io.IOException;
import java.io.UncheckedIOException;
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
 * The means of a few slices, as a task: brings each to the driver when all workers' are in it, and hands reports on as
 * they came. Where there is no way to the driver but the task's result, means are part of it. Numbers beyond the slices
 * of the parameters are those of the moments.
 */
final class SumSlices implements FlatMapFunction<Iterator<Tuple2<Integer, Parcel.Came>>, Tuple2<Integer, byte[]>> {
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
    public Iterator<Tuple2<Integer, byte[]>> call(Iterator<Tuple2<Integer, Parcel.Came>> parcels) {
        List<Tuple2<Integer, byte[]>> out = new ArrayList<>();
        List<Integer> sent = new ArrayList<>();
        BiConsumer<Integer, SliceMean> deliver = delivery(sent, out);
        Map<Integer, SliceMean> means = new TreeMap<>();
        SliceMean.Room room = new SliceMean.Room(Math.min(size, sliceFloats));
        while (parcels.hasNext()) {
            Tuple2<Integer, Parcel.Came> parcel = parcels.next();
            int number = parcel._1();
            if (number == Emission.REPORT) {
                byte[] report = new byte[parcel._2().bytes().remaining()];
                parcel._2().bytes().get(report);
                out.add(new Tuple2<>(Emission.REPORT, report));
                continue;
            }
            SliceMean mean = means.computeIfAbsent(number, missing -> mean(missing, room));
            mean.add(Contribution.of(parcel._2().bytes(), parcel._2().stays()));
            if (mean.holds(workers)) {
                means.remove(number);
                deliver.accept(number, mean);
            }
        }
        // Of slices that not every worker gave.
        means.forEach(deliver);
        if (!sent.isEmpty()) {
            requireArrived(FathomPlugin.toDriver().orElseThrow(), sent);
        }
        return out.iterator();
    }

    /** How a mean gets to the driver: by this very thread where the driver is here, as a message, or as a result. */
    private BiConsumer<Integer, SliceMean> delivery(List<Integer> sent, List<Tuple2<Integer, byte[]>> out) {
        Optional<Arrivals> here = Arrivals.here(round);
        if (here.isPresent()) {
            return (number, mean) -> here.get().take(number, mean.mean());
        }
        Optional<PluginContext> driver = FathomPlugin.toDriver();
        if (driver.isPresent()) {
            return (number, mean) -> send(driver.get(), number, bytes(number, mean), sent);
        }
        return (number, mean) -> out.add(new Tuple2<>(number, bytes(number, mean)));
    }

    private byte[] bytes(int number, SliceMean mean) {
        Slices slices = new Slices(size, sliceFloats);
        return Floats.toBytes(mean.mean(), 0, slices.length(number % slices.count()));
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

    private SliceMean mean(int number, SliceMean.Room room) {
        Slices slices = new Slices(size, sliceFloats);
        int slice = number % slices.count();
        SliceCodec used = number < slices.count() ? codec : new WholeFloats();
        return new SliceMean(used, slices.from(slice), slices.to(slice), room);
    }
}
