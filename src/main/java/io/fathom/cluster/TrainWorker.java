package io.fathom.cluster;

import io.fathom.average.ChangeNorms;
import io.fathom.average.Contribution;
import io.fathom.average.SliceCodec;
import io.fathom.average.Slices;
import io.fathom.average.WholeFloats;
import io.fathom.config.TrainConfig.InnerMoments;
import io.fathom.config.UserError;
import io.fathom.engine.Session;
import io.fathom.engine.Session.Vector;
import io.fathom.model.ParameterLayout;
import io.fathom.train.LocalTrainer;
import io.fathom.train.Moments;
import io.fathom.train.StepMeans;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;

/** One worker's round, as a task: H local steps from the broadcast parameters. */
final class TrainWorker implements Function<WorkerState, WorkerState> {
    private static final long serialVersionUID = 1L;

    private final WorkerTools tools;
    private final int localSteps;
    private final double seconds;
    private final Replica parameters;
    private final SliceCodec codec;

    TrainWorker(WorkerTools tools, int localSteps, double seconds, Replica parameters, SliceCodec codec) {
        this.tools = tools;
        this.localSteps = localSteps;
        this.seconds = seconds;
        this.parameters = parameters;
        this.codec = codec;
    }

    @Override
    public WorkerState call(WorkerState before) {
        before.forgetContributions();
        ExecutorSessions sessions = ExecutorSessions.ofThisProcess();
        try (ExecutorSessions.Loan loan = sessions.training(tools)) {
            Session session = loan.session();
            parameters.writeTo(session);
            if (!parameters.holdsMoments()) {
                writeMoments(before.moments(), session);
            }
            TaskContext task = TaskContext.get();
            StepMeans means = new LocalTrainer(session, tools.optimization())
                    .steps(
                            sessions.resident(tools).trainingBatches()::batch,
                            before.worker(),
                            before.steps(),
                            new LocalTrainer.Limits(localSteps, seconds, () -> task != null && task.isInterrupted()));
            WorkerState after = after(before, session, means);
            loan.keep();
            return after;
        } catch (UserError e) {
            return failed(before, e);
        }
    }

    private void writeMoments(Optional<Moments> moments, Session session) {
        if (moments.isPresent()) {
            session.write(Vector.FIRST_MOMENT, moments.get().first());
            session.write(Vector.SECOND_MOMENT, moments.get().second());
            return;
        }
        Slices slices = parameters.slices();
        float[] zeros = new float[slices.length(0)];
        for (int slice = 0; slice < slices.count(); slice++) {
            session.write(Vector.FIRST_MOMENT, slices.from(slice), zeros, slices.length(slice));
            session.write(Vector.SECOND_MOMENT, slices.from(slice), zeros, slices.length(slice));
        }
    }

    /** Reads the session's parameters slice by slice, so that no vector of them is ever made. */
    private WorkerState after(WorkerState before, Session session, StepMeans means) {
        Slices slices = parameters.slices();
        int longest = slices.length(0);
        float[] from = new float[longest];
        float[] to = new float[longest];
        float[] decoded = codec.relative() ? new float[longest] : null;
        ChangeNorms.Sum norms = new ChangeNorms.Sum(ParameterLayout.of(tools.spec()));
        List<byte[]> contributions = new ArrayList<>(slices.count());
        long bytes = 0;
        for (int slice = 0; slice < slices.count(); slice++) {
            int first = slices.from(slice);
            int end = slices.to(slice);
            parameters.read(slice, from);
            session.read(Vector.PARAMETERS, first, to, end - first);
            int length = codec.bytes(first, end);
            byte[] contribution = Contribution.begin(before.worker(), means.tokens(), length);
            codec.encode(from, to, first, end, Contribution.values(contribution));
            if (decoded != null) {
                codec.decode(Contribution.values(contribution), first, end, decoded);
            }
            norms.add(first, end, from, to, decoded);
            contributions.add(contribution);
            bytes += length;
        }
        InnerMoments moments = tools.optimization().adamw().moments();
        if (moments == InnerMoments.AVERAGE) {
            bytes += giveMoments(session, before.worker(), means.tokens(), contributions);
        }
        WorkerReport report =
                new WorkerReport(before.worker(), before.steps() + means.steps(), means, bytes, norms.norms(), "");
        Optional<Moments> kept = moments == InnerMoments.LOCAL
                ? Optional.of(new Moments(whole(session, Vector.FIRST_MOMENT), whole(session, Vector.SECOND_MOMENT)))
                : Optional.empty();
        return before.after(kept, contributions, report);
    }

    /** Adds the moments after the parameters, as fp32: what they hold ranges over too many powers of two for less. */
    private long giveMoments(Session session, int worker, long tokens, List<byte[]> contributions) {
        Slices slices = parameters.slices();
        SliceCodec whole = new WholeFloats();
        float[] values = new float[slices.length(0)];
        long bytes = 0;
        for (Vector vector : List.of(Vector.FIRST_MOMENT, Vector.SECOND_MOMENT)) {
            for (int slice = 0; slice < slices.count(); slice++) {
                int first = slices.from(slice);
                int end = slices.to(slice);
                session.read(vector, first, values, end - first);
                byte[] contribution = Contribution.begin(worker, tokens, whole.bytes(first, end));
                whole.encode(values, values, first, end, Contribution.values(contribution));
                contributions.add(contribution);
                bytes += whole.bytes(first, end);
            }
        }
        return bytes;
    }

    private static float[] whole(Session session, Vector vector) {
        float[] values = new float[session.program().layout().size()];
        session.read(vector, values);
        return values;
    }

    /**
     * A failure is an answer and no exception: trying the same steps again would fail in the same way. Should the run
     * go on without this worker, its next round passes over the batches of this one.
     */
    private WorkerState failed(WorkerState before, UserError e) {
        StepMeans none = new StepMeans(0, 0, 0, 0, 0, 0, 0, 0, 0);
        String why = e.getMessage() == null ? e.toString() : e.getMessage();
        WorkerReport report =
                new WorkerReport(before.worker(), before.steps() + localSteps, none, 0, ChangeNorms.none(), why);
        return before.after(before.moments(), List.of(), report);
    }
}
