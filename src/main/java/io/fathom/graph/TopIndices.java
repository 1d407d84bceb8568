package io.fathom.graph;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * The stock operation top_k with its arguments where the native code looks for them.
 *
 * <p>ND4J 1.0.0-M2.1's own class sends (sorted, k) where native code reads k first, and so always takes one element.
 * The operation's name and arguments are what is saved: a program that loads the file uses the stock class with right
 * arguments.
 */
public final class TopIndices extends DynamicCustomOp {
    /** For ND4J, which makes operations by reflection. */
    public TopIndices() {}

    TopIndices(SameDiff sd, SDVariable x, int k) {
        super(null, sd, new SDVariable[] {x});
        addIArgument(k);
        addBArgument(true);
    }

    @Override
    public String opName() {
        return "top_k";
    }

    @Override
    public int getNumOutputs() {
        return 2;
    }

    @Override
    public List<DataType> calculateOutputDataTypes(List<DataType> inputs) {
        return List.of(inputs.get(0), DataType.INT64);
    }
}
