package io.fathom.cluster;

import io.fathom.engine.AdamW;
import io.fathom.engine.Engine;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.program.Program;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;

/** An engine whose step moves one parameter and costs nothing; its vectors lie outside the heap as a real one's do. */
final class FreeEngine implements Engine {
    @Override
    public String name() {
        return "free";
    }

    @Override
    public String description() {
        return "does nothing";
    }

    @Override
    public Session open(Program program, SessionOptions options) {
        return new FreeSession(
                program,
                Arrays.stream(Session.Vector.values())
                        .map(vector -> ByteBuffer.allocateDirect(
                                        vector == Session.Vector.GRADIENT
                                                ? 0
                                                : Float.BYTES * program.layout().size())
                                .order(ByteOrder.nativeOrder())
                                .asFloatBuffer())
                        .toArray(FloatBuffer[]::new));
    }

    private record FreeSession(Program program, FloatBuffer[] vectors) implements Session {
        @SuppressWarnings("EnumOrdinal") // an index into this session's own array
        private FloatBuffer of(Vector vector) {
            return vectors[vector.ordinal()];
        }

        @Override
        public void write(Vector vector, float[] values) {
            of(vector).put(0, values);
        }

        @Override
        public void read(Vector vector, float[] values) {
            of(vector).get(0, values);
        }

        @Override
        public void write(Vector vector, int from, float[] values, int count) {
            of(vector).put(from, values, 0, count);
        }

        @Override
        public void read(Vector vector, int from, float[] values, int count) {
            of(vector).get(from, values, 0, count);
        }

        @Override
        public void clearGradient() {}

        @Override
        public void run(Batch batch) {}

        @Override
        public double[] output(String name) {
            return new double[] {1};
        }

        @Override
        public double update(AdamW step) {
            of(Vector.PARAMETERS).put(0, of(Vector.PARAMETERS).get(0) + 1);
            return 1;
        }

        @Override
        public void close() {}
    }
}
