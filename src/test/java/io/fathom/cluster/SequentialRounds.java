package io.fathom.cluster;

import io.fathom.average.Outer;
import io.fathom.average.OuterStep;
import io.fathom.average.Slices;
import io.fathom.average.WeightedMean;
import io.fathom.config.RunConfig;
import io.fathom.engine.Session;
import io.fathom.model.ParameterLayout;
import io.fathom.train.LocalRound;
import io.fathom.train.LocalTrainer;
import io.fathom.train.Moments;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** What rounds come to without Spark: the workers of a configuration, one after the other, on one session. */
final class SequentialRounds implements AutoCloseable {
    private final WorkerTools tools;
    private final Outer outer;
    private final Session session;
    private final List<Moments> moments;
    private Outer.Step now;

    SequentialRounds(RunConfig config, Outer outer) {
        this.tools = TinyRun.tools(config);
        this.outer = outer;
        float[] initial = ParameterLayout.of(tools.spec()).initial(tools.spec(), config.seed());
        this.now = new Outer.Step(initial, Optional.empty());
        this.moments = new ArrayList<>(Collections.nCopies(tools.workers(), Moments.zero(initial.length)));
        this.session = tools.openTraining(0);
    }

    /**
     * One round.
     *
     * @param made steps of each worker before it
     * @param steps of each worker in it; one of 0 steps is left out
     */
    void round(List<Long> made, List<Long> steps) {
        int size = now.parameters().length;
        WeightedMean mean = new WeightedMean(size);
        LocalTrainer trainer = new LocalTrainer(session, tools.optimization());
        for (int worker = 0; worker < tools.workers(); worker++) {
            int own = Math.toIntExact(steps.get(worker));
            if (own > 0) {
                LocalRound one = trainer.train(
                        tools.trainingBatches()::batch,
                        worker,
                        made.get(worker),
                        LocalTrainer.Limits.steps(own),
                        now.parameters(),
                        moments.get(worker));
                moments.set(worker, one.moments());
                mean.add(one.parameters(), one.means().tokens());
            }
        }
        OuterStep step = new OuterStep(outer, now.parameters(), now.velocity(), new Slices(size, size), false);
        step.take(0, mean.mean());
        now = step.step();
    }

    /** Parameters and momentum after the rounds so far. */
    Outer.Step now() {
        return now;
    }

    @Override
    public void close() {
        session.close();
    }
}
