package io.fathom.cluster;

import io.fathom.checkpoint.CheckpointStore;
import io.fathom.corpus.HadoopSettings;
import io.fathom.engine.Session;
import java.io.Serializable;
import java.util.List;

/** Where workers begin: with nothing learnt, or from a checkpoint. */
sealed interface WorkerSource extends Serializable {

    /** Steps that worker {@code worker} has made. */
    long steps(int worker);

    /** Brings the moments of worker {@code worker} into {@code session}, where they are zero. */
    void load(int worker, Session session);

    /** Moments of zero, no steps made. */
    record Fresh() implements WorkerSource {
        @Override
        public long steps(int worker) {
            return 0;
        }

        @Override
        public void load(int worker, Session session) {}
    }

    /** No moments: workers share them, or begin each round with none. */
    record WithoutMoments(List<Long> steps) implements WorkerSource {
        public WithoutMoments {
            steps = List.copyOf(steps);
        }

        @Override
        public long steps(int worker) {
            return steps.get(worker);
        }

        @Override
        public void load(int worker, Session session) {
            throw new IllegalStateException("these workers keep no moments");
        }
    }

    /** Moments read from the checkpoint of {@code round}. */
    record Resumed(HadoopSettings hadoop, String run, int round, List<Long> steps) implements WorkerSource {
        public Resumed {
            steps = List.copyOf(steps);
        }

        @Override
        public long steps(int worker) {
            return steps.get(worker);
        }

        @Override
        public void load(int worker, Session session) {
            new CheckpointStore(hadoop.configuration(), run)
                    .readMoments(
                            round,
                            worker,
                            session.program().layout().size(),
                            (vector, from, values, length) ->
                                    session.write(ResidentMoments.VECTORS.get(vector), from, values, length));
        }
    }
}
