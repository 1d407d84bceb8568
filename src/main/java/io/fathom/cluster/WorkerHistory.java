package io.fathom.cluster;

import io.fathom.engine.MomentMemory;
import io.fathom.engine.Session;
import io.fathom.model.ModelSpec;
import io.fathom.train.LocalTrainer;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.TaskContext;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the workers of a run have come to: where they began, and every round since. A worker's moments are a pure
 * function of it, so where an executor does not hold them, they are made again with the same bits: begun from the
 * source, and trained for the same steps from the same parameters.
 *
 * @param id names these rounds among all that an executor sees
 * @param tools of the run
 * @param source where workers began
 * @param begun rounds before that
 * @param since the rounds after, which the driver keeps until the next checkpoint
 */
record WorkerHistory(String id, WorkerTools tools, WorkerSource source, int begun, List<Past> since)
        implements Serializable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerHistory.class);

    WorkerHistory {
        since = List.copyOf(since);
    }

    /**
     * A round that committed.
     *
     * @param spec its model
     * @param parameters that it began from
     * @param steps of each worker since the run began, after it
     * @param failed workers that gave nothing, whose moments stayed as they were
     */
    record Past(ModelSpec spec, Replica parameters, List<Long> steps, List<Integer> failed) implements Serializable {}

    /** Rounds that committed. */
    int round() {
        return begun + since.size();
    }

    /** Steps that {@code worker} made since the run began. */
    long steps(int worker) {
        return since.isEmpty()
                ? source.steps(worker)
                : since.get(since.size() - 1).steps().get(worker);
    }

    /** The tools of the latest round, whose sessions an executor has open. */
    WorkerTools latest() {
        return since.isEmpty()
                ? tools
                : tools.withSpec(since.get(since.size() - 1).spec());
    }

    /** This history and one round more. */
    WorkerHistory with(Past past) {
        List<Past> more = new ArrayList<>(since);
        more.add(past);
        return new WorkerHistory(id, tools, source, begun, more);
    }

    /** The same moments, found in {@code other} from now on. */
    WorkerHistory from(WorkerSource other) {
        return new WorkerHistory(id, tools, other, round(), List.of());
    }

    /**
     * The moments of {@code worker} after these rounds: those this executor holds, else made again.
     *
     * @param now tools of the session that will have them
     */
    MomentMemory moments(int worker, WorkerTools now) {
        MomentMemory found = ResidentMoments.ofThisProcess().take(id, worker, round());
        return found != null ? found : again(worker, now);
    }

    private MomentMemory again(int worker, WorkerTools now) {
        if (!since.isEmpty()) {
            LOG.warn(
                    "this executor does not hold worker {}: its {} rounds since the last checkpoint are trained again",
                    worker,
                    since.size());
        }
        MomentMemory memory = null;
        try {
            memory = begin(
                    worker, since.isEmpty() ? now : tools.withSpec(since.get(0).spec()));
            long made = source.steps(worker);
            for (Past past : since) {
                long steps = past.steps().get(worker);
                if (!past.failed().contains(worker)) {
                    train(past, worker, made, Math.toIntExact(steps - made), memory);
                }
                made = steps;
            }
            return memory;
        } catch (RuntimeException e) {
            close(memory);
            throw e;
        }
    }

    private MomentMemory begin(int worker, WorkerTools first) {
        MomentMemory memory = null;
        try (ExecutorSessions.Loan loan = ExecutorSessions.ofThisProcess().training(first)) {
            memory = loan.session().takeMoments();
            loan.session().attach(memory);
            source.load(worker, loan.session());
            loan.keep();
            return memory;
        } catch (RuntimeException e) {
            close(memory);
            throw e;
        }
    }

    private static void close(@Nullable MomentMemory memory) {
        if (memory != null) {
            memory.close();
        }
    }

    private void train(Past past, int worker, long made, int steps, MomentMemory memory) {
        TaskContext task = TaskContext.get();
        ExecutorSessions sessions = ExecutorSessions.ofThisProcess();
        try (ExecutorSessions.Loan loan = sessions.training(tools.withSpec(past.spec()))) {
            Session session = loan.session();
            session.attach(memory);
            past.parameters().writeTo(session);
            // As many steps as then, whatever ended that round.
            new LocalTrainer(session, tools.optimization())
                    .steps(
                            sessions.resident(tools).trainingBatches()::batch,
                            worker,
                            made,
                            new LocalTrainer.Limits(
                                    steps, Double.POSITIVE_INFINITY, () -> task != null && task.isInterrupted()));
            loan.keep();
        }
    }
}
