package io.fathom.engine.nd4j;

import io.fathom.engine.MomentMemory;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Two ND4J arrays. */
record Nd4jMoments(INDArray first, INDArray second) implements MomentMemory {
    static Nd4jMoments zero(DataType type, int size) {
        return new Nd4jMoments(Nd4j.zeros(type, size), Nd4j.zeros(type, size));
    }

    @Override
    public void close() {
        first.close();
        second.close();
    }
}
