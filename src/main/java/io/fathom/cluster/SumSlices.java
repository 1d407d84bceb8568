package io.fathom.cluster;

import io.fathom.average.Contribution;
import io.fathom.average.SliceCodec;
import io.fathom.average.Slices;
import io.fathom.average.WeightedMean;
import io.fathom.average.WholeFloats;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.api.java.function.PairFlatMapFunction;
import scala.Tuple2;

/**
 * The means of a few slices, as a task: gives each one's number and bytes, and hands reports on as they came. Numbers
 * beyond the slices of the parameters are those of the moments.
 */
final class SumSlices implements PairFlatMapFunction<Iterator<Tuple2<Integer, byte[]>>, Integer, byte[]> {
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
    public Iterator<Tuple2<Integer, byte[]>> call(Iterator<Tuple2<Integer, byte[]>> parts) {
        List<Tuple2<Integer, byte[]>> out = new ArrayList<>();
        Map<Integer, List<Contribution>> contributions = new TreeMap<>();
        while (parts.hasNext()) {
            Tuple2<Integer, byte[]> part = parts.next();
            if (part._1() < 0) {
                out.add(part);
            } else {
                contributions
                        .computeIfAbsent(part._1(), slice -> new ArrayList<>())
                        .add(Contribution.of(part._2()));
            }
        }
        Slices slices = new Slices(size, sliceFloats);
        float[] decoded = new float[Math.min(size, sliceFloats)];
        SliceCodec whole = new WholeFloats();
        contributions.forEach((number, of) -> {
            int slice = number % slices.count();
            SliceCodec used = number < slices.count() ? codec : whole;
            WeightedMean mean = Contribution.mean(of, used, slices.from(slice), slices.to(slice), decoded);
            out.add(new Tuple2<>(number, mean.meanBytes()));
        });
        return out.iterator();
    }
}
