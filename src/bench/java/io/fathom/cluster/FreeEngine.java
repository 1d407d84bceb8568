package io.fathom.cluster;

import io.fathom.engine.AdamW;
import io.fathom.engine.Engine;
import io.fathom.engine.MomentMemory;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.program.Program;
import java.nio.FloatBuffer;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

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
        FreeSession session = new FreeSession(program, new EnumMap<>(Session.Vector.class), memory(program));
        session.vectors.put(Session.Vector.PARAMETERS, session.own);
        return session;
    }

    /** One vector; of memory that was never written to the machine gives nothing. */
    private static FloatPointer memory(Program program) {
        int size = program.layout().size();
        return new FloatPointer(Pointer.calloc(size, Float.BYTES)).capacity(size);
    }

    private record FreeMoments(FloatPointer first, FloatPointer second) implements MomentMemory {
        @Override
        public void close() {
            Pointer.free(first);
            Pointer.free(second);
        }
    }

    private record FreeSession(Program program, Map<Vector, FloatPointer> vectors, FloatPointer own)
            implements Session {
        private FloatBuffer of(Vector vector) {
            return Objects.requireNonNull(vectors.get(vector), vector.name()).asBuffer();
        }

        @Override
        public MomentMemory takeMoments() {
            return new FreeMoments(memory(program), memory(program));
        }

        @Override
        public void attach(MomentMemory moments) {
            FreeMoments here = (FreeMoments) moments;
            vectors.put(Vector.FIRST_MOMENT, here.first());
            vectors.put(Vector.SECOND_MOMENT, here.second());
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
        public void close() {
            Pointer.free(own);
        }
    }
}
