package io.fathom.cluster;

import io.fathom.average.ChangeNorms;
import io.fathom.average.SliceCodec;
import io.fathom.average.Slices;
import io.fathom.config.TrainConfig.InnerMoments;
import io.fathom.config.UserError;
import io.fathom.engine.MomentMemory;
import io.fathom.engine.Session;
import io.fathom.engine.Session.Vector;
import io.fathom.model.ModelSpec;
import io.fathom.train.LocalTrainer;
import io.fathom.train.StepMeans;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.PairFlatMapFunction;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/** One worker's round, as a task: H local steps from the broadcast parameters. */
final class TrainWorker implements PairFlatMapFunction<Integer, Integer, Parcel> {
    private static final long serialVersionUID = 1L;

    private final WorkerHistory history;
    private final WorkerTools tools;
    private final int localSteps;
    private final double seconds;
    private final Replica parameters;
    private final SliceCodec codec;
    private final String round;

    /** For the {@link Handover}, if any, of {@code round}. */
    TrainWorker(
            WorkerHistory history,
            ModelSpec spec,
            int localSteps,
            double seconds,
            Replica parameters,
            SliceCodec codec,
            String round) {
        this.history = history;
        this.tools = history.tools().withSpec(spec);
        this.localSteps = localSteps;
        this.seconds = seconds;
        this.parameters = parameters;
        this.codec = codec;
        this.round = round;
    }

    @Override
    public Iterator<Tuple2<Integer, Parcel>> call(Integer worker) {
        // Before anything may answer for this worker: what cannot be made again fails the task.
        MomentMemory memory = moments() == InnerMoments.LOCAL ? history.moments(worker, tools) : null;
        ExecutorSessions.Loan loan = null;
        try {
            loan = ExecutorSessions.ofThisProcess().training(tools);
            return train(worker, memory, loan);
        } catch (RuntimeException | Error e) {
            if (loan != null) {
                loan.close();
            }
            if (memory != null) {
                memory.close();
            }
            if (e instanceof UserError why) {
                return failed(worker, why);
            }
            throw e;
        }
    }

    private InnerMoments moments() {
        return tools.optimization().adamw().moments();
    }

    private Iterator<Tuple2<Integer, Parcel>> train(
            int worker, @Nullable MomentMemory memory, ExecutorSessions.Loan loan) {
        Session session = loan.session();
        if (memory != null) {
            session.attach(memory);
        } else if (!parameters.holdsMoments()) {
            clearMoments(session);
        }
        parameters.writeTo(session);
        TaskContext task = TaskContext.get();
        StepMeans means = new LocalTrainer(session, tools.optimization())
                .steps(
                        ExecutorSessions.ofThisProcess().resident(tools).trainingBatches()::batch,
                        worker,
                        history.steps(worker),
                        new LocalTrainer.Limits(localSteps, seconds, task::isInterrupted));
        loan.keep();
        Iterator<Tuple2<Integer, Parcel>> given = new Emission(
                        new Emission.TrainedWorker(
                                worker,
                                history.steps(worker) + means.steps(),
                                means,
                                session,
                                parameters,
                                Replica.vectors(moments())),
                        codec,
                        round)
                .parcels(loan::close);
        if (memory != null) {
            // Kept whether or not this attempt's output arrives: another one would come to the same.
            ResidentMoments.ofThisProcess().put(history.id(), worker, history.round() + 1, memory);
        }
        return given;
    }

    private void clearMoments(Session session) {
        Slices slices = parameters.slices();
        float[] zeros = new float[slices.length(0)];
        for (int slice = 0; slice < slices.count(); slice++) {
            session.write(Vector.FIRST_MOMENT, slices.from(slice), zeros, slices.length(slice));
            session.write(Vector.SECOND_MOMENT, slices.from(slice), zeros, slices.length(slice));
        }
    }

    /**
     * A failure is an answer and no exception: trying the same steps again would fail in the same way. Should the run
     * go on without this worker, its next round passes over the batches of this one.
     */
    private Iterator<Tuple2<Integer, Parcel>> failed(int worker, UserError e) {
        StepMeans none = new StepMeans(0, 0, 0, 0, 0, 0, 0, 0, 0);
        String why = e.getMessage() == null ? e.toString() : e.getMessage();
        WorkerReport report = new WorkerReport(
                worker, history.steps(worker) + localSteps, none, 0, ChangeNorms.none(), ExecutorSessions.PROCESS, why);
        Parcel parcel = new Parcel.Made(report.toBytes());
        return List.of(new Tuple2<>(Emission.REPORT, parcel)).iterator();
    }
}
