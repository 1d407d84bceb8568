package io.fathom.cluster;

import io.fathom.engine.AdamW;
import io.fathom.engine.Engine;
import io.fathom.engine.Engines;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.Batch;
import io.fathom.program.Program;
import java.util.concurrent.atomic.AtomicInteger;

/** The cpu engine, but the first session of each run of the test breaks down at its third step. */
final class FaultyEngine implements Engine {
    static final AtomicInteger failures = new AtomicInteger();

    private final Engine sound = Engines.named("cpu");

    @Override
    public String name() {
        return "faulty";
    }

    @Override
    public String description() {
        return "breaks down once";
    }

    @Override
    public Session open(Program program, SessionOptions options) {
        Session session = sound.open(program, options);
        return program.training() ? new FaultySession(session) : session;
    }

    private static final class FaultySession implements Session {
        private final Session sound;
        private int runs;

        FaultySession(Session sound) {
            this.sound = sound;
        }

        @Override
        public void run(Batch batch) {
            sound.run(batch);
            if (++runs == 3 && failures.compareAndSet(0, 1)) {
                throw new IllegalStateException("broke down on purpose");
            }
        }

        @Override
        public Program program() {
            return sound.program();
        }

        @Override
        public void write(Vector vector, float[] values) {
            sound.write(vector, values);
        }

        @Override
        public void read(Vector vector, float[] values) {
            sound.read(vector, values);
        }

        @Override
        public void clearGradient() {
            sound.clearGradient();
        }

        @Override
        public double[] output(String name) {
            return sound.output(name);
        }

        @Override
        public double update(AdamW step) {
            return sound.update(step);
        }

        @Override
        public void close() {
            sound.close();
        }
    }
}
