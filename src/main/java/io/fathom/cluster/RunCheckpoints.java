package io.fathom.cluster;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.checkpoint.CheckpointWriter;
import io.fathom.checkpoint.Claim;
import io.fathom.checkpoint.FileSum;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.config.TrainConfig;
import io.fathom.config.TrainConfig.InnerMoments;
import io.fathom.corpus.HadoopSettings;
import java.util.List;

/**
 * A run's checkpoints as its rounds use them: workers write the moments they keep, the driver the rest, and lost
 * workers begin again from there.
 */
record RunCheckpoints(RunDirectory run, Claim claim, HadoopSettings hadoop, TrainConfig config) {

    /** Saves {@code now}, the state of {@code rounds}; when it throws, earlier checkpoints are as they were. */
    void save(Checkpoint now, Rounds rounds) {
        CheckpointWriter writer = new CheckpointWriter(claim);
        String staging = writer.begin(now.round());
        try {
            List<FileSum> moments = workersKeepMoments() ? rounds.writeMoments(hadoop, run.path(), staging) : List.of();
            writer.publish(now, moments, config.checkpoint().keep());
        } catch (Exception e) { // Spark's are checked ones, undeclared
            try {
                writer.abandon(now.round());
            } catch (RuntimeException left) {
                e.addSuppressed(left);
            }
            throw e;
        }
        rounds.startFrom(workers(now));
    }

    /** The workers as they are after {@code checkpoint}. */
    WorkerSource workers(Checkpoint checkpoint) {
        List<Long> steps = checkpoint.progress().steps();
        if (!workersKeepMoments()) {
            return new WorkerSource.WithoutMoments(steps);
        }
        return checkpoint.round() == 0
                ? new WorkerSource.Fresh()
                : new WorkerSource.Resumed(hadoop, run.path(), checkpoint.round(), steps);
    }

    private boolean workersKeepMoments() {
        return config.adamw().moments() == InnerMoments.LOCAL;
    }

    /** What of {@code run} is saved, for a person. */
    static String newest(RunDirectory run) {
        return new CheckpointStore(run)
                .list().stream()
                        .reduce((a, b) -> b)
                        .map(round -> "round " + round)
                        .orElse("nothing");
    }
}
