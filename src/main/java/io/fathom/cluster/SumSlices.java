package io.fathom.cluster;

import io.fathom.average.Contribution;
import io.fathom.average.SliceCodec;
import io.fathom.average.SliceMean;
import io.fathom.average.Slices;
import io.fathom.average.WholeFloats;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.api.java.function.FlatMapFunction;
import scala.Tuple2;

/**
 * The means of a few slices, as a task: gives each one's number and bytes, and hands reports on as they came. Numbers
 * beyond the slices of the parameters are those of the moments.
 */
final class SumSlices implements FlatMapFunction<Iterator<Tuple2<Integer, ByteBuffer>>, Tuple2<Integer, byte[]>> {
    private static final long serialVersionUID = 1L;

    private final int size;
    private final int sliceFloats;
    private final SliceCodec codec;

    SumSlices(Slices slices, SliceCodec codec) {
        this.size = slices.size();
        this.sliceFloats = slices.sliceFloats();
        this.codec = codec;
    }

    @Override
    public Iterator<Tuple2<Integer, byte[]>> call(Iterator<Tuple2<Integer, ByteBuffer>> parcels) {
        List<Tuple2<Integer, byte[]>> out = new ArrayList<>();
        Map<Integer, SliceMean> means = new TreeMap<>();
        float[] room = new float[Math.min(size, sliceFloats)];
        while (parcels.hasNext()) {
            Tuple2<Integer, ByteBuffer> parcel = parcels.next();
            if (parcel._1() == Emission.REPORT) {
                byte[] report = new byte[parcel._2().remaining()];
                parcel._2().get(report);
                out.add(new Tuple2<>(Emission.REPORT, report));
            } else {
                means.computeIfAbsent(parcel._1(), this::mean).add(Contribution.of(parcel._2()), room);
            }
        }
        means.forEach((number, mean) -> out.add(new Tuple2<>(number, mean.bytes(room))));
        return out.iterator();
    }

    private SliceMean mean(int number) {
        Slices slices = new Slices(size, sliceFloats);
        int slice = number % slices.count();
        return new SliceMean(number < slices.count() ? codec : new WholeFloats(), slices.from(slice), slices.to(slice));
    }
}
