package io.fathom.cluster;

import io.fathom.engine.AdamW;
import io.fathom.engine.MomentMemory;
import io.fathom.engine.Session;
import io.fathom.model.Batch;
import io.fathom.program.Program;

/** A session that hands everything to another one, for tests that change a single thing about it. */
class ForwardingSession implements Session {
    private final Session sound;

    ForwardingSession(Session sound) {
        this.sound = sound;
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
    public void write(Vector vector, int from, float[] values, int count) {
        sound.write(vector, from, values, count);
    }

    @Override
    public void read(Vector vector, float[] values) {
        sound.read(vector, values);
    }

    @Override
    public void read(Vector vector, int from, float[] values, int count) {
        sound.read(vector, from, values, count);
    }

    @Override
    public MomentMemory takeMoments() {
        return sound.takeMoments();
    }

    @Override
    public void attach(MomentMemory moments) {
        sound.attach(moments);
    }

    @Override
    public void clearGradient() {
        sound.clearGradient();
    }

    @Override
    public void run(Batch batch) {
        sound.run(batch);
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
