package io.fathom.cluster;

import io.fathom.checkpoint.CheckpointStore;
import io.fathom.corpus.HadoopSettings;
import io.fathom.train.Moments;
import java.util.List;
import java.util.Optional;
import org.apache.spark.api.java.function.Function;

/** Where workers begin: with nothing learnt, or from a checkpoint. */
sealed interface WorkerSource extends Function<Integer, WorkerState> {

    /** Moments of zero, no steps made. */
    record Fresh(int size) implements WorkerSource {
        @Override
        public WorkerState call(Integer worker) {
            return WorkerState.before(worker, 0, Optional.of(Moments.zero(size)));
        }
    }

    /** No moments: workers share them, or begin each round with none. */
    record WithoutMoments(List<Long> steps) implements WorkerSource {
        public WithoutMoments {
            steps = List.copyOf(steps);
        }

        @Override
        public WorkerState call(Integer worker) {
            return WorkerState.before(worker, steps.get(worker), Optional.empty());
        }
    }

    /** Moments read from the checkpoint of {@code round}. */
    record Resumed(HadoopSettings hadoop, String run, int round, int size, List<Long> steps) implements WorkerSource {
        public Resumed {
            steps = List.copyOf(steps);
        }

        @Override
        public WorkerState call(Integer worker) {
            CheckpointStore store = new CheckpointStore(hadoop.configuration(), run);
            return WorkerState.before(worker, steps.get(worker), Optional.of(store.moments(round, worker, size)));
        }
    }
}
