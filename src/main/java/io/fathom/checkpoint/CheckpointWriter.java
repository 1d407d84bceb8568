package io.fathom.checkpoint;

import static io.fathom.checkpoint.CheckpointStore.MANIFEST;
import static io.fathom.checkpoint.CheckpointStore.ROOT;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes the checkpoints of the run that a start has claimed, as {@link CheckpointStore} reads them.
 *
 * <p>A checkpoint is gathered in a hidden directory of this start alone, which workers may write to from other
 * machines, then renamed, then given its manifest. Before either the claim is looked at: what a start that was
 * overtaken has gathered is never published, and never mixes with what the newer one gathers.
 */
public final class CheckpointWriter {
    private static final String STAGED = ".writing";

    private final Claim claim;
    private final RunDirectory run;
    private final CheckpointStore store;

    /** Of the run that {@code claim} is on. */
    public CheckpointWriter(Claim claim) {
        this.claim = claim;
        this.run = claim.run();
        this.store = new CheckpointStore(run);
    }

    /** Begins the checkpoint of {@code round}: gives the directory that {@link #writeMoments} writes to. */
    public String begin(int round) {
        run.delete(staging(round));
        run.createDirectory(staging(round));
        return staging(round);
    }

    /**
     * Writes one worker's moments, of {@code size} floats each, into a checkpoint that has begun in {@code staging};
     * may be called again, and from any machine.
     */
    public static FileSum writeMoments(RunDirectory run, String staging, int worker, int size, VectorPieces moments) {
        return VectorFile.write(run, staging + CheckpointStore.momentsName(worker), 2, size, moments);
    }

    /**
     * Writes the rest of a checkpoint that has begun and publishes it, then deletes all but the newest {@code keep}.
     * Throws {@link OvertakenException} when the claim is lost.
     *
     * @param moments what {@link #writeMoments} returned, in worker order
     */
    public void publish(Checkpoint checkpoint, List<FileSum> moments, int keep) {
        int round = checkpoint.round();
        String staging = staging(round);
        String published = CheckpointStore.directory(round);
        Map<String, FileSum> files = gather(checkpoint, moments, staging);
        claim.check();
        run.delete(published);
        run.rename(staging, published);
        // Of a start that was overtaken after its last look; found before this one's, so that a newer start's are not
        // among
        // them.
        List<Integer> left = after(round);
        // An object store has copied it all.
        claim.check();
        left.forEach(this::delete);
        writeJson(published + MANIFEST, new Manifest(Manifest.FORMAT, Manifest.VERSION, round, files));
        List<Integer> rounds = store.list();
        rounds.subList(0, Math.max(0, rounds.size() - keep)).forEach(this::delete);
    }

    private Map<String, FileSum> gather(Checkpoint checkpoint, List<FileSum> moments, String staging) {
        Map<String, FileSum> files = new TreeMap<>();
        for (int worker = 0; worker < moments.size(); worker++) {
            files.put(CheckpointStore.momentsName(worker), moments.get(worker));
        }
        files.put(CheckpointStore.PARAMETERS, vectors(staging + CheckpointStore.PARAMETERS, checkpoint.parameters()));
        checkpoint
                .moments()
                .ifPresent(m -> files.put(
                        CheckpointStore.MOMENTS, vectors(staging + CheckpointStore.MOMENTS, m.first(), m.second())));
        checkpoint
                .velocity()
                .ifPresent(v -> files.put(CheckpointStore.OUTER, vectors(staging + CheckpointStore.OUTER, v)));
        files.put(CheckpointStore.MODEL, writeJson(staging + CheckpointStore.MODEL, checkpoint.spec()));
        files.put(CheckpointStore.PROGRESS, writeJson(staging + CheckpointStore.PROGRESS, checkpoint.progress()));
        return files;
    }

    /** Deletes what {@link #begin} began. */
    public void abandon(int round) {
        run.delete(staging(round));
    }

    /** Deletes what starts before this one began and did not publish. */
    public void sweep() {
        run.list(ROOT).stream()
                .filter(name -> name.startsWith(".round-") && name.endsWith(STAGED))
                .forEach(name -> run.delete(ROOT + name));
    }

    /** Deletes the checkpoints after {@code round}: what a run that goes on from {@code round} will write again. */
    public void deleteAfter(int round) {
        after(round).forEach(this::delete);
    }

    private List<Integer> after(int round) {
        return store.list().stream().filter(r -> r > round).toList();
    }

    private void delete(int round) {
        // Without its manifest it no longer exists, however far the rest of the deletion comes.
        run.delete(CheckpointStore.directory(round) + MANIFEST);
        run.delete(CheckpointStore.directory(round));
    }

    private FileSum vectors(String name, float[]... vectors) {
        return VectorFile.write(run, name, vectors);
    }

    private FileSum writeJson(String name, Object value) {
        byte[] bytes = CheckpointJson.write(value).getBytes(StandardCharsets.UTF_8);
        run.write(name, bytes);
        return FileSum.of(bytes);
    }

    private String staging(int round) {
        return ROOT + String.format(".round-%06d.%s%s/", round, claim.id(), STAGED);
    }
}
