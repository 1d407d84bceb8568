package io.fathom.engine.cpu;

import io.fathom.engine.AdamW;
import io.fathom.engine.EngineException;
import io.fathom.engine.MomentMemory;
import io.fathom.engine.Session;
import io.fathom.model.Batch;
import io.fathom.program.Program;
import io.fathom.program.Value;
import java.util.List;
import java.util.Objects;

/** A program bound to its memory and kernels. */
final class CpuSession implements Session {
    private final Program program;
    private final SessionMemory memory;
    private final Team team;
    private final List<PreparedStep> prepared;
    private final Step[] steps;
    private final Step[] clear;
    private final FirstWrite firstWrite = new FirstWrite();
    /** Whether the gradient counts as zero, whatever its memory holds. */
    private boolean cleared;

    private final Optimizer optimizer;
    private final int[] tokens;
    private final int[] targets;
    private final Floats total;

    CpuSession(Program program, int threads) {
        this.program = program;
        this.memory = new SessionMemory(program);
        Lane[] lanes = Lowering.lanes(program, memory, threads);
        this.prepared = Lowering.steps(program, memory, firstWrite, lanes);
        this.steps = prepared.stream().map(PreparedStep::step).toArray(Step[]::new);
        this.clear = new Step[] {new ZeroStep(memory.vector(Vector.GRADIENT), Beta.ZERO)};
        this.optimizer = new Optimizer(memory, program.layout(), threads);
        this.tokens = memory.ints(input("tokens"));
        this.targets = memory.ints(input("targets"));
        this.total = memory.floats(Objects.requireNonNull(program.outputs().get("total")));
        this.team = new Team(lanes);
    }

    private Value input(String name) {
        return program.values().stream()
                .filter(value ->
                        value.storage() == Value.Storage.INPUT && value.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("the program has no input " + name));
    }

    @Override
    public Program program() {
        return program;
    }

    /** Bytes taken outside the heap. */
    long bytes() {
        return memory.bytes();
    }

    @Override
    public void write(Vector vector, float[] values) {
        Floats place = checked(vector, values.length);
        place.put(0, values, values.length);
    }

    @Override
    public void read(Vector vector, float[] values) {
        Floats place = checked(vector, values.length);
        place.get(0, values, values.length);
    }

    @Override
    public void write(Vector vector, int from, float[] values, int count) {
        checked(vector, program.layout().size()).put(from, values, count);
    }

    @Override
    public void read(Vector vector, int from, float[] values, int count) {
        checked(vector, program.layout().size()).get(from, values, count);
    }

    private Floats checked(Vector vector, int length) {
        if (vector == Vector.GRADIENT) {
            settle();
        }
        Floats place = memory.vector(vector);
        if (place.length() != length) {
            throw new IllegalArgumentException(vector + " of this session has " + place.length() + " floats, not "
                    + length + (program.training() ? "" : ": the program does not train"));
        }
        return place;
    }

    @Override
    public MomentMemory takeMoments() {
        return new CpuMoments(
                checked(Vector.FIRST_MOMENT, program.layout().size()).length());
    }

    @Override
    public void attach(MomentMemory moments) {
        if (!(moments instanceof CpuMoments here)) {
            throw new IllegalArgumentException("moments of another engine: " + moments);
        }
        checked(Vector.FIRST_MOMENT, here.first().length());
        memory.attach(here);
    }

    @Override
    public void clearGradient() {
        cleared = true;
    }

    /** Brings the gradient's memory to what it counts as. */
    private void settle() {
        if (cleared) {
            team.run(clear);
            cleared = false;
        }
    }

    @Override
    public void run(Batch batch) {
        if (batch.sequences() != program.sequences()
                || batch.length() != program.spec().context()) {
            throw new IllegalArgumentException("a batch of " + batch.sequences() + " x " + batch.length()
                    + " for a program of " + program.sequences() + " x "
                    + program.spec().context());
        }
        take(batch.tokens(), tokens, "token");
        take(batch.targets(), targets, "target");
        memory.seed()[0] = batch.seed();
        firstWrite.cleared(cleared);
        cleared = false;
        team.run(steps);
        if (!Float.isFinite(total.get(0))) {
            throw new EngineException(new Diagnosis(program, memory, prepared, team).firstNonFinite());
        }
    }

    private void take(int[] from, int[] to, String what) {
        int vocabulary = program.spec().vocabulary();
        for (int i = 0; i < to.length; i++) {
            if (from[i] < 0 || from[i] >= vocabulary) {
                throw new IllegalArgumentException(what + " " + from[i] + " at " + i + " of the batch: must be in [0, "
                        + vocabulary + "); was the corpus made with another tokenizer?");
            }
            to[i] = from[i];
        }
    }

    @Override
    public double[] output(String name) {
        Value value = program.outputs().get(name);
        if (value == null) {
            throw new IllegalArgumentException("no output " + name + "; this program has "
                    + program.outputs().keySet());
        }
        double[] out = new double[value.length()];
        if (value.type() == Value.Type.INT) {
            int[] ints = memory.ints(value);
            for (int i = 0; i < out.length; i++) {
                out[i] = ints[i];
            }
        } else {
            Floats floats = memory.floats(value);
            for (int i = 0; i < out.length; i++) {
                out[i] = floats.get(i);
            }
        }
        return out;
    }

    @Override
    public double scalar(String name) {
        Value value = program.outputs().get(name);
        return value != null && value.type() == Value.Type.REAL
                ? memory.floats(value).get(0)
                : output(name)[0];
    }

    @Override
    public double update(AdamW step) {
        checked(Vector.FIRST_MOMENT, program.layout().size());
        settle();
        return optimizer.update(step, team);
    }

    @Override
    public void close() {
        team.close();
        memory.close();
    }
}
