package io.fathom.cluster;

import io.fathom.checkpoint.CheckpointStore;
import io.fathom.corpus.HadoopSettings;
import io.fathom.train.Moments;
import java.util.List;
import org.apache.spark.api.java.function.Function;

/** Where workers begin: with nothing learnt, or from a checkpoint. */
sealed interface WorkerSource extends Function<Integer, WorkerState> {

    /** Moments of zero, no steps made. */
    record Fresh(int size) implements WorkerSource {
        @Override
        public WorkerState call(Integer worker) {
            return WorkerState.before(worker, 0, Moments.zero(size));
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
            return WorkerState.before(worker, steps.get(worker), store.moments(round, worker, size));
        }
    }
}
