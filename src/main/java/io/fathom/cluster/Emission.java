package io.fathom.cluster;

import io.fathom.average.ChangeNorms;
import io.fathom.average.Contribution;
import io.fathom.average.SliceCodec;
import io.fathom.average.Slices;
import io.fathom.average.WholeFloats;
import io.fathom.engine.Session;
import io.fathom.train.StepMeans;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.apache.spark.TaskContext;
import org.apache.spark.util.TaskCompletionListener;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/**
 * What a trained worker gives to the average, made slice by slice at the moment when Spark's shuffle asks for it: so
 * each slice is read, measured, encoded and sent by its {@link Outlet} while it is in the processor's cache. Lasts as
 * long as the task that made it.
 */
final class Emission {
    private static final Map<Long, Emission> OF_TASKS = new ConcurrentHashMap<>();

    /**
     * The number under which a worker's report travels; slices count from 0, those of moments after the parameters'.
     */
    static final int REPORT = -1;

    private final TaskContext task;
    private final TrainedWorker trained;
    private final SliceCodec codec;
    private final Slices slices;
    private final int parts;
    private final float[] before;
    private final float[] after;
    private final float @Nullable [] decoded;
    private final ChangeNorms.Sum norms;
    private final Outlet outlet;
    private long encoded;
    private int written;

    /**
     * A worker whose steps are made.
     *
     * @param session holds what it came to
     * @param parameters it began from
     * @param vectors it gives
     */
    record TrainedWorker(int worker, long steps, StepMeans means, Session session, Replica parameters, int vectors) {}

    /** Of the running task. */
    Emission(TrainedWorker trained, SliceCodec codec, String round) {
        this.task = TaskContext.get();
        this.trained = trained;
        this.codec = codec;
        Handover handover = Handover.of(round);
        this.outlet = handover == null ? new Outlet.ToShuffle() : handover.outlet(task.taskAttemptId());
        this.slices = trained.parameters().slices();
        this.parts = trained.vectors() * slices.count();
        this.before = new float[slices.length(0)];
        this.after = new float[slices.length(0)];
        this.decoded = codec.relative() ? new float[slices.length(0)] : null;
        this.norms = new ChangeNorms.Sum(trained.session().program().layout());
    }

    /**
     * The numbers of all parts, for the shuffle to order; {@link #write} makes each. {@code done} runs when the task
     * ends, after its last byte was written.
     */
    Iterator<Tuple2<Integer, Parcel>> parcels(Runnable done) {
        long id = task.taskAttemptId();
        OF_TASKS.put(id, this);
        task.addTaskCompletionListener((TaskCompletionListener) ended -> {
            OF_TASKS.remove(id);
            done.run();
        });
        // The report comes last, since it tells of all the others.
        return IntStream.rangeClosed(0, parts)
                .mapToObj(part -> new Tuple2<Integer, Parcel>(part == parts ? REPORT : part, new Parcel.ToMake(id)))
                .iterator();
    }

    /** Writes part {@code number} of what the task {@code task} gives. */
    static void write(long task, int number, DataOutputStream out) throws IOException {
        Emission emission = OF_TASKS.get(task);
        if (emission == null) {
            throw new IllegalStateException("task " + task + " has ended: it gives nothing more");
        }
        if (number == REPORT) {
            new Parcel.Made(emission.report().toBytes()).writeTo(number, out);
        } else {
            emission.writeSlice(number, out);
        }
    }

    private void writeSlice(int number, DataOutputStream out) throws IOException {
        int slice = number % slices.count();
        int vector = number / slices.count();
        int from = slices.from(slice);
        int to = slices.to(slice);
        trained.session().read(Replica.VECTORS.get(vector), from, after, to - from);
        // Moments always as fp32: what they hold ranges over too many powers of two for less.
        SliceCodec used = vector == 0 ? codec : new WholeFloats();
        int length = used.bytes(from, to);
        ByteBuffer room = outlet.room(Contribution.bytes(length));
        Contribution.begin(trained.worker(), trained.means().tokens(), room);
        if (vector == 0) {
            trained.parameters().read(slice, before);
        }
        int values = room.position();
        used.encode(before, after, from, to, room);
        if (vector == 0) {
            measure(from, to, room.position(values));
        }
        outlet.send(number, room, out);
        encoded += length;
        written++;
    }

    private void measure(int from, int to, ByteBuffer values) {
        if (decoded != null) {
            codec.decode(values, from, to, decoded);
        }
        norms.add(from, to, before, after, decoded);
    }

    private WorkerReport report() {
        if (written != parts) {
            throw new IllegalStateException("a worker reports after " + written + " of " + parts + " parts");
        }
        return new WorkerReport(
                trained.worker(),
                trained.steps(),
                trained.means(),
                encoded,
                norms.norms(),
                ExecutorSessions.PROCESS,
                "");
    }
}
