package io.fathom.checkpoint;

import io.fathom.config.UserError;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * A start's claim on a run directory. The newest start has it; an older one that still runs ends where it would write
 * next.
 *
 * <p>{@code <run>/start.json} tells whose the run is and is replaced by each start; {@code <run>/end.json} tells which
 * start has ended by itself. A claim needs of a file system only that a file, once replaced, is what others read: no
 * lock, no append, no clock, no rename that is whole. So a driver that was killed leaves nothing to clean up.
 */
public final class Claim implements AutoCloseable {
    static final String START = "start.json";
    private static final String END = "end.json";

    private final RunDirectory run;
    private final Start start;

    /** {@code <run>/end.json}: {@code start} is the id of what ended. */
    record End(String start, String ended) {}

    private Claim(RunDirectory run, Start start) {
        this.run = run;
        this.start = start;
    }

    /** Makes {@code run} the run of {@code start}, whosever it was. */
    public static Claim take(RunDirectory run, Start start) {
        run.write(START, CheckpointJson.write(start) + "\n");
        return new Claim(run, start);
    }

    /** The start whose run {@code run} is and which has not ended by itself: it is still running, or was killed. */
    public static Optional<Start> unended(RunDirectory run) {
        Optional<String> ended = read(run, END, End.class).map(End::start);
        return holder(run).filter(holder -> !ended.equals(Optional.of(holder.id())));
    }

    private static Optional<Start> holder(RunDirectory run) {
        return read(run, START, Start.class);
    }

    private static <T> Optional<T> read(RunDirectory run, String name, Class<T> type) {
        return run.readIfThere(name).map(json -> CheckpointJson.read(json, type, run.path(name), "; delete that file"));
    }

    RunDirectory run() {
        return run;
    }

    /** The id of the start. */
    String id() {
        return start.id();
    }

    /** Throws {@link OvertakenException} unless the run is still this start's. To be asked before each write. */
    public void check() {
        Optional<Start> holder = holder(run);
        if (holder.isEmpty()) {
            throw new OvertakenException(run.path(START)
                    + ": is gone, with it this start's right to the run; it ends here and writes no more: begin again,"
                    + " with --resume if the run is still there");
        }
        if (!holder.get().id().equals(start.id())) {
            throw new OvertakenException(run.path() + ": was taken over by " + holder.get()
                    + "; this start ends here and writes no more: let that one go on, or end it and go on with"
                    + " --resume");
        }
    }

    /**
     * The same after {@code failure}, of which the newer start may be the cause: it replaces files and deletes some.
     */
    public void check(Exception failure) {
        try {
            check();
        } catch (OvertakenException overtaken) {
            overtaken.addSuppressed(failure);
            throw overtaken;
        } catch (UserError unknown) {
            failure.addSuppressed(unknown);
        }
    }

    /** Tells that this start has ended by itself, if the run is still its own. */
    @Override
    public void close() {
        if (holder(run).map(Start::id).filter(start.id()::equals).isPresent()) {
            String now = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
            run.write(END, CheckpointJson.write(new End(start.id(), now)) + "\n");
        }
    }
}
