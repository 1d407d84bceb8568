package io.fathom.cluster;

import io.fathom.average.SliceCodec;
import io.fathom.average.WholeFloats;
import io.fathom.engine.AdamW;
import io.fathom.engine.Session;
import io.fathom.model.Batch;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What shall go wrong in a run, and when: each fault strikes once, in whichever process first comes to its place.
 *
 * @param directory where processes see which faults have struck
 * @param faults in any order
 */
record FaultPlan(String directory, List<Fault> faults) implements Serializable {

    /** Where a fault strikes. */
    enum Place {
        /** After the gradient of a step of any worker. */
        TRAINING,
        /** While a slice is decoded by the task that sums it. */
        AVERAGING,
        /** While a validation batch is scored. */
        EVALUATION
    }

    /** How. */
    enum Kind {
        /** The gradient's norm is not a number. */
        NAN,
        /** The task throws. */
        THROW,
        /** The process is killed with signal 9. */
        KILL
    }

    /**
     * One fault.
     *
     * @param at the step of {@link Place#TRAINING}, from 1, or how many visits to the other places come before it
     */
    record Fault(Place place, int at, Kind kind) implements Serializable {}

    FaultPlan(Path directory, Fault... faults) {
        this(directory.toString(), List.of(faults));
    }

    /** Strikes the first fault of {@code place} that is due and has not struck yet; true for {@link Kind#NAN}. */
    private boolean visit(Place place, int at) {
        for (int i = 0; i < faults.size(); i++) {
            Fault fault = faults.get(i);
            if (fault.place() == place && fault.at() == at && claim("struck-" + i)) {
                strike(fault);
                return true;
            }
        }
        return false;
    }

    private void strike(Fault fault) {
        if (fault.kind() == Kind.NAN) {
            return;
        }
        if (fault.kind() == Kind.THROW) {
            throw new IllegalStateException("fault on purpose: " + fault);
        }
        Processes.killThisOne();
        throw new IllegalStateException("survived " + fault);
    }

    /** True for the first of all processes that asks. */
    private boolean claim(String name) {
        try {
            Files.createFile(Path.of(directory, name));
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** How many faults have struck. */
    int struck() {
        return (int) java.util.stream.IntStream.range(0, faults.size())
                .filter(i -> Files.exists(Path.of(directory, "struck-" + i)))
                .count();
    }

    /** Visits to a place so far, over all processes. */
    private int count(Place place) {
        int visits = 0;
        while (!claim(place + "-" + visits)) {
            visits++;
        }
        return visits;
    }

    /** The tools with an engine that follows this plan. */
    WorkerTools applyTo(WorkerTools tools) {
        return tools.withEngine(WrappedEngine.source((sound, options) -> {
            claim("device-" + options.device());
            return new FaultySession(this, sound);
        }));
    }

    /** Whole floats, decoded under this plan. */
    SliceCodec codec() {
        return new FaultyCodec(this, new WholeFloats());
    }

    private record FaultyCodec(FaultPlan plan, SliceCodec sound) implements SliceCodec {
        @Override
        public int bytes(int from, int to) {
            return sound.bytes(from, to);
        }

        @Override
        public void encode(float[] before, float[] after, int from, int to, ByteBuffer out) {
            sound.encode(before, after, from, to, out);
        }

        @Override
        public void decode(ByteBuffer in, int from, int to, float[] values) {
            plan.visit(Place.AVERAGING, plan.count(Place.AVERAGING));
            sound.decode(in, from, to, values);
        }

        @Override
        public boolean relative() {
            return sound.relative();
        }
    }

    private static final class FaultySession extends ForwardingSession {
        private final FaultPlan plan;

        FaultySession(FaultPlan plan, Session sound) {
            super(sound);
            this.plan = plan;
        }

        @Override
        public void run(Batch batch) {
            super.run(batch);
            if (!program().training()) {
                plan.visit(Place.EVALUATION, plan.count(Place.EVALUATION));
            }
        }

        @Override
        public double update(AdamW step) {
            return plan.visit(Place.TRAINING, step.step()) ? Double.NaN : super.update(step);
        }
    }
}
