package io.fathom.cluster;

import io.fathom.average.ChangeNorms;
import io.fathom.average.Contribution;
import io.fathom.average.Floats;
import io.fathom.average.SliceCodec;
import io.fathom.average.Slices;
import io.fathom.config.UserError;
import io.fathom.model.ParameterLayout;
import io.fathom.train.LocalRound;
import io.fathom.train.LocalTrainer;
import io.fathom.train.StepMeans;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;

/** One worker's round, as a task: H local steps from the broadcast parameters. */
final class TrainWorker implements Function<WorkerState, WorkerState> {
    private static final long serialVersionUID = 1L;

    private final WorkerTools tools;
    private final int localSteps;
    private final double seconds;
    private final Broadcast<float[]> parameters;
    private final long crc;
    private final int sliceFloats;
    private final SliceCodec codec;

    /** @param crc checksum of {@code parameters}, which the task compares with what it received */
    TrainWorker(
            WorkerTools tools,
            int localSteps,
            double seconds,
            Broadcast<float[]> parameters,
            long crc,
            int sliceFloats,
            SliceCodec codec) {
        this.tools = tools;
        this.localSteps = localSteps;
        this.seconds = seconds;
        this.parameters = parameters;
        this.crc = crc;
        this.sliceFloats = sliceFloats;
        this.codec = codec;
    }

    @Override
    public WorkerState call(WorkerState before) {
        float[] theta = received(parameters, crc);
        ExecutorSessions sessions = ExecutorSessions.ofThisProcess();
        try (ExecutorSessions.Loan loan = sessions.training(tools)) {
            LocalTrainer trainer = new LocalTrainer(loan.session(), tools.optimization());
            TaskContext task = TaskContext.get();
            LocalRound round = trainer.train(
                    sessions.resident(tools).trainingBatches()::batch,
                    before.worker(),
                    before.steps(),
                    new LocalTrainer.Limits(localSteps, seconds, () -> task != null && task.isInterrupted()),
                    theta,
                    before.moments());
            loan.keep();
            return after(before, theta, round);
        } catch (UserError e) {
            return failed(before, e);
        }
    }

    private WorkerState after(WorkerState before, float[] theta, LocalRound round) {
        Slices slices = new Slices(theta.length, sliceFloats);
        List<byte[]> encoded = new ArrayList<>();
        for (int slice = 0; slice < slices.count(); slice++) {
            encoded.add(codec.encode(theta, round.parameters(), slices.from(slice), slices.to(slice)));
        }
        ParameterLayout layout = ParameterLayout.of(tools.spec());
        WorkerReport report = new WorkerReport(
                before.worker(),
                before.steps() + round.means().steps(),
                round.means(),
                encoded.stream().mapToLong(slice -> slice.length).sum(),
                ChangeNorms.of(layout, theta, round.parameters(), slices, codec, encoded),
                "");
        List<byte[]> contributions = encoded.stream()
                .map(slice -> new Contribution(before.worker(), round.means().tokens(), slice).toBytes())
                .toList();
        return before.after(round.moments(), contributions, report);
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

    /** The value of a broadcast, checked to be what the driver sent. */
    static float[] received(Broadcast<float[]> parameters, long crc) {
        float[] theta = parameters.value();
        long found = Floats.crc32c(theta);
        if (found != crc) {
            throw new IllegalStateException(String.format(
                    "the parameters arrived with CRC32C %08x, the driver sent %08x: the replica is corrupt",
                    found, crc));
        }
        return theta;
    }
}
