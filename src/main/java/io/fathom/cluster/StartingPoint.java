package io.fathom.cluster;

import io.fathom.checkpoint.Checkpoint;
import io.fathom.checkpoint.CheckpointHead;
import io.fathom.checkpoint.CheckpointStore;
import io.fathom.checkpoint.CheckpointWriter;
import io.fathom.checkpoint.Claim;
import io.fathom.checkpoint.RunDirectory;
import io.fathom.checkpoint.Start;
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

    /** Claims the run for {@code me}, unless it is refused; then reads where it begins. */
    ClaimedStart claim(boolean resume, Start me) {
        CheckpointStore store = new CheckpointStore(run);
        Optional<Start> other = Claim.unended(run);
        // Who cannot go on with the run must not end the one who does.
        if (resume) {
            requireSameRun(store);
        } else {
            requireNoRun(store, other);
        }
        other.ifPresent(before -> progress.say(run.path() + ": takes over from " + before
                + ", which has not ended: if it still runs, it ends where it would write next"));
        Claim claim = Claim.take(run, me);
        try {
            new CheckpointWriter(claim).sweep();
            return new ClaimedStart(claim, resume ? resumed(store, claim) : fresh());
        } catch (RuntimeException e) {
            try (claim) {
                throw e;
            }
        }
    }

    private void requireNoRun(CheckpointStore store, Optional<Start> other) {
        List<Integer> there = store.list();
        if (!there.isEmpty() || other.isPresent()) {
            throw new UserError(run.path() + ": holds a run already, "
                    + (there.isEmpty()
                            ? "of which nothing is saved"
                            : "trained to round " + there.get(there.size() - 1))
                    + other.map(start -> ", by " + start + ", which has not ended; add --resume to take it over")
                            .orElse("; add --resume to go on with it")
                    + ", or give another --run");
        }
    }

    private void requireSameRun(CheckpointStore store) {
        List<Integer> there = store.list();
        CheckpointHead head;
        try {
            if (there.isEmpty()) {
                return;
            }
            head = store.head(there.get(there.size() - 1));
        } catch (UserError e) {
            // Broken, which is told when all of it is read, or deleted by the start that is overtaken.
            return;
        }
        requireSameRun(head);
    }

    private void requireSameRun(CheckpointHead head) {
        head.requireModel(tools.spec(), run.path());
        require("seed", head.progress().seed(), tools.seed());
        require("train.workers", head.progress().workers(), tools.workers());
        InnerMoments configured = tools.optimization().adamw().moments();
        if (head.progress().round() > 0 && head.moments() != configured) {
            throw different("train.adamw.moments", lower(head.moments()), lower(configured));
        }
    }

    private Checkpoint fresh() {
        return new Checkpoint(
                tools.spec(),
                ParameterLayout.of(tools.spec()).initial(tools.spec(), tools.seed()),
                Optional.empty(),
                new TrainingProgress(0, tools.seed(), Collections.nCopies(tools.workers(), 0L), 0, 0, 0));
    }

    private Checkpoint resumed(CheckpointStore store, Claim claim) {
        Optional<Checkpoint> newest = newest(store);
        if (newest.isEmpty()) {
            progress.say(run.path() + ": no checkpoint to resume from; starting at round 1");
            return fresh();
        }
        Checkpoint found = newest.get();
        requireSameRun(store.head(found.round()));
        List<Integer> broken =
                store.list().stream().filter(round -> round > found.round()).toList();
        if (!broken.isEmpty()) {
            progress.say(run.path() + ": the checkpoints of rounds " + broken + " are not what was written; deleted");
        }
        new CheckpointWriter(claim).deleteAfter(found.round());
        progress.say(run.path() + ": going on after round " + found.round());
        return found;
    }

    /**
     * The newest intact checkpoint, also where the start that was overtaken was just saving one and deleting others.
     */
    private static Optional<Checkpoint> newest(CheckpointStore store) {
        List<Integer> before = store.list();
        try {
            Optional<Checkpoint> found = store.newestIntact();
            return store.list().equals(before) ? found : newest(store);
        } catch (UserError e) {
            if (store.list().equals(before)) {
                throw e;
            }
            return newest(store);
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
