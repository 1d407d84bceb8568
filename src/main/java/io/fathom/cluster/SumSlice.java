package io.fathom.cluster;

import io.fathom.average.Contribution;
import io.fathom.average.Floats;
import io.fathom.average.SliceCodec;
import io.fathom.average.Slices;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.PairFlatMapFunction;
import scala.Tuple2;

/** The mean of one slice, as a task: gives the slice's number and its floats, and hands reports on as they came. */
final class SumSlice implements PairFlatMapFunction<Iterator<Tuple2<Integer, byte[]>>, Integer, byte[]> {
    private static final long serialVersionUID = 1L;

    private final int size;
    private final int sliceFloats;
    private final SliceCodec codec;

    SumSlice(Slices slices, SliceCodec codec) {
        this.size = slices.size();
        this.sliceFloats = slices.sliceFloats();
        this.codec = codec;
    }

    @Override
    public Iterator<Tuple2<Integer, byte[]>> call(Iterator<Tuple2<Integer, byte[]>> parts) {
        List<Tuple2<Integer, byte[]>> out = new ArrayList<>();
        List<Contribution> contributions = new ArrayList<>();
        int slice = -1;
        while (parts.hasNext()) {
            Tuple2<Integer, byte[]> part = parts.next();
            if (part._1() < 0) {
                out.add(part);
            } else {
                slice = part._1();
                contributions.add(Contribution.fromBytes(part._2()));
            }
        }
        if (!contributions.isEmpty()) {
            Slices slices = new Slices(size, sliceFloats);
            float[] mean = Contribution.mean(contributions, codec, slices.from(slice), slices.to(slice));
            out.add(new Tuple2<>(slice, Floats.toBytes(mean, 0, mean.length)));
        }
        return out.iterator();
    }
}
