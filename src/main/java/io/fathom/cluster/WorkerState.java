package io.fathom.cluster;

import io.fathom.average.Contribution;
import io.fathom.train.Moments;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import scala.Tuple2;

/**
 * A worker after a round: what it goes on from, and what it gives to the average. An element of a cached RDD, so Spark
 * keeps it with the executor that made it, sends it where a task needs it, and makes it again when it is lost. A class
 * and not a record, since Kryo cannot set a record's fields.
 */
final class WorkerState implements Serializable {
    private static final long serialVersionUID = 1L;

    private final int worker;
    private final long steps;
    private final float[] firstMoment;
    private final float[] secondMoment;
    private byte[][] contributions;
    private final byte[] report;

    private WorkerState(int worker, long steps, Optional<Moments> moments, byte[][] contributions, byte[] report) {
        this.worker = worker;
        this.steps = steps;
        // Arrays, since Kryo cannot set the field of an Optional.
        this.firstMoment = moments.map(Moments::first).orElse(new float[0]);
        this.secondMoment = moments.map(Moments::second).orElse(new float[0]);
        this.contributions = contributions;
        this.report = report;
    }

    /** A worker before the first round that this driver runs. */
    static WorkerState before(int worker, long steps, Optional<Moments> moments) {
        return new WorkerState(worker, steps, moments, new byte[0][], new byte[0]);
    }

    /** This worker after a round. */
    WorkerState after(Optional<Moments> then, List<byte[]> given, WorkerReport said) {
        return new WorkerState(worker, said.steps(), then, given.toArray(byte[][]::new), said.toBytes());
    }

    /** Gives room: when the next round trains this worker, the sums of its last one have been published. */
    void forgetContributions() {
        contributions = new byte[0][];
    }

    int worker() {
        return worker;
    }

    /** Steps made since the run began. */
    long steps() {
        return steps;
    }

    /** Its moments, where workers keep them from round to round. */
    Optional<Moments> moments() {
        return firstMoment.length == 0 ? Optional.empty() : Optional.of(new Moments(firstMoment, secondMoment));
    }

    /** What goes to the tasks that sum: each {@link Contribution} by its number, the report by -1 - worker. */
    Iterator<Tuple2<Integer, byte[]>> parts() {
        List<Tuple2<Integer, byte[]>> parts = new ArrayList<>();
        parts.add(new Tuple2<>(-1 - worker, report));
        for (int slice = 0; slice < contributions.length; slice++) {
            parts.add(new Tuple2<>(slice, contributions[slice]));
        }
        return parts.iterator();
    }
}
