package io.fathom.cluster;

import io.fathom.average.ChangeNorms;
import io.fathom.average.Contribution;
import io.fathom.average.SliceCodec;
import io.fathom.average.Slices;
import io.fathom.config.UserError;
import io.fathom.engine.Session;
import io.fathom.engine.Session.Vector;
import io.fathom.model.ParameterLayout;
import io.fathom.train.LocalTrainer;
import io.fathom.train.Moments;
import io.fathom.train.StepMeans;
import java.util.ArrayList;
import java.util.List;
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
            session.write(Vector.FIRST_MOMENT, before.moments().first());
            session.write(Vector.SECOND_MOMENT, before.moments().second());
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
        WorkerReport report =
                new WorkerReport(before.worker(), before.steps() + means.steps(), means, bytes, norms.norms(), "");
        return before.after(
                new Moments(whole(session, Vector.FIRST_MOMENT), whole(session, Vector.SECOND_MOMENT)),
                contributions,
                report);
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
