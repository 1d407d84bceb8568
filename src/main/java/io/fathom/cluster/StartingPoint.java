package io.fathom.cluster;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.checkpoint.TrainingProgress;
import io.fathom.config.TrainConfig.InnerMoments;
import io.fathom.config.UserError;
import io.fathom.model.ParameterLayout;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Where a run begins: at the beginning, or after the newest intact checkpoint of the same run. */
record StartingPoint(RunDirectory run, WorkerTools tools, Progress progress) {

    Checkpoint fresh() {
        List<Integer> there = new CheckpointStore(run).list();
        if (!there.isEmpty()) {
            throw new UserError(run.path() + ": holds a run already, trained to round " + there.get(there.size() - 1)
                    + "; add --resume to go on with it, or give another --run");
        }
        return new Checkpoint(
                tools.spec(),
                ParameterLayout.of(tools.spec()).initial(tools.spec(), tools.seed()),
                Optional.empty(),
                new TrainingProgress(0, tools.seed(), Collections.nCopies(tools.workers(), 0L), 0, 0, 0));
    }

    Checkpoint resumed() {
        CheckpointStore store = new CheckpointStore(run);
        Optional<Checkpoint> newest = store.newestIntact();
        if (newest.isEmpty()) {
            progress.say(run.path() + ": no checkpoint to resume from; starting at round 1");
            return fresh();
        }
        Checkpoint found = newest.get();
        found.requireModel(tools.spec(), run.path());
        require("seed", found.progress().seed(), tools.seed());
        require("train.workers", found.progress().workers(), tools.workers());
        List<Integer> broken =
                store.list().stream().filter(round -> round > found.round()).toList();
        if (!broken.isEmpty()) {
            progress.say(run.path() + ": the checkpoints of rounds " + broken + " are not what was written; deleted");
        }
        if (found.round() > 0) {
            requireMoments(
                    found.moments().isPresent()
                            ? InnerMoments.AVERAGE
                            : store.holdsWorkerMoments(found.round()) ? InnerMoments.LOCAL : InnerMoments.RESET);
        }
        store.deleteAfter(found.round());
        progress.say(run.path() + ": going on after round " + found.round());
        return found;
    }

    private void requireMoments(InnerMoments found) {
        InnerMoments configured = tools.optimization().adamw().moments();
        if (found != configured) {
            throw different("train.adamw.moments", lower(found), lower(configured));
        }
    }

    private static String lower(InnerMoments moments) {
        return moments.name().toLowerCase(Locale.ROOT);
    }

    private void require(String key, long found, long configured) {
        if (found != configured) {
            throw different(key, Long.toString(found), Long.toString(configured));
        }
    }

    private UserError different(String key, String found, String configured) {
        return new UserError(run.path() + ": was trained with " + key + " = " + found + ", the configuration says "
                + configured + "; set it to " + found + " or give another --run");
    }
}
