package io.fathom.checkpoint;

import io.fathom.config.UserError;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.train.Moments;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.apache.hadoop.conf.Configuration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoints of one run: {@code <run>/checkpoints/round-NNNNNN/}, each holding {@code parameters},
 * {@code worker-NNN.moments} where workers keep moments or {@code moments} where they share them, {@code outer} where
 * the outer optimizer has state, {@code model.json}, {@code progress.json} and, written last, {@code manifest.json}
 * with the length and CRC32C of all of them.
 *
 * <p>A directory without a manifest does not exist. A checkpoint is gathered in a hidden directory, which workers may
 * write to from other machines, then renamed, then given its manifest.
 */
public final class CheckpointStore {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointStore.class);
    private static final String ROOT = "checkpoints/";
    private static final String MANIFEST = "manifest.json";
    private static final String MODEL = "model.json";
    private static final String PROGRESS = "progress.json";
    private static final String PARAMETERS = "parameters";
    private static final String OUTER = "outer";
    private static final String MOMENTS = "moments";

    private final RunDirectory run;

    /** The checkpoints under {@code runDirectory}, any Hadoop path. */
    public CheckpointStore(Configuration hadoop, String runDirectory) {
        this(new RunDirectory(hadoop, runDirectory));
    }

    /** The checkpoints of {@code run}. */
    public CheckpointStore(RunDirectory run) {
        this.run = run;
    }

    /** Rounds with a complete checkpoint, ascending. */
    public List<Integer> list() {
        List<Integer> rounds = new ArrayList<>();
        for (String name : run.list(ROOT)) {
            if (name.matches("round-\\d{6,9}") && run.exists(ROOT + name + "/" + MANIFEST)) {
                rounds.add(Integer.valueOf(name.substring("round-".length())));
            }
        }
        rounds.sort(Comparator.naturalOrder());
        return rounds;
    }

    /**
     * The newest checkpoint whose parameters can be read. A newer one that cannot is warned about and passed over;
     * throws {@link UserError} when there is none.
     */
    public Checkpoint newest() {
        return newest(false)
                .orElseThrow(
                        () -> new UserError(run.path() + ": no checkpoint there; run `train` with this --run first"));
    }

    /**
     * The newest checkpoint of which every file is intact, workers' moments included: what training goes on from. Empty
     * when the run has no checkpoint at all; throws {@link UserError} when it has some and none is intact.
     */
    public Optional<Checkpoint> newestIntact() {
        return newest(true);
    }

    private Optional<Checkpoint> newest(boolean everyFile) {
        List<Integer> rounds = list();
        UserError first = null;
        for (int i = rounds.size() - 1; i >= 0; i--) {
            try {
                if (everyFile) {
                    verify(rounds.get(i));
                }
                return Optional.of(read(rounds.get(i)));
            } catch (UserError e) {
                first = first == null ? e : first;
                if (i > 0) {
                    LOG.warn("{}\n  going on from round {}, the checkpoint before", e.getMessage(), rounds.get(i - 1));
                }
            }
        }
        if (first != null) {
            throw first;
        }
        return Optional.empty();
    }

    /** The checkpoint of {@code round}; throws {@link UserError} when there is none, or it is not what was written. */
    public Checkpoint read(int round) {
        Manifest manifest = manifest(round);
        ModelSpec spec = json(round, manifest, MODEL, ModelSpec.class);
        TrainingProgress progress = json(round, manifest, PROGRESS, TrainingProgress.class);
        int size = ParameterLayout.of(spec).size();
        float[] parameters = vectors(round, manifest, PARAMETERS, 1, size)[0];
        Optional<float[]> velocity = manifest.files().containsKey(OUTER)
                ? Optional.of(vectors(round, manifest, OUTER, 1, size)[0])
                : Optional.empty();
        Optional<Moments> moments = manifest.files().containsKey(MOMENTS)
                ? Optional.of(shared(vectors(round, manifest, MOMENTS, 2, size)))
                : Optional.empty();
        return new Checkpoint(spec, parameters, velocity, moments, progress);
    }

    private static Moments shared(float[][] read) {
        return new Moments(read[0], read[1]);
    }

    /** Whether the checkpoint of {@code round} holds moments of each worker. */
    public boolean holdsWorkerMoments(int round) {
        return manifest(round).files().containsKey(momentsName(0));
    }

    /**
     * Gives the first and second moment of worker {@code worker}, of {@code size} floats each, in the checkpoint of
     * {@code round}. Throws {@link UserError} when they are not what was written; what was given is then of no use.
     */
    public void readMoments(int round, int worker, int size, VectorPieces moments) {
        Manifest manifest = manifest(round);
        String name = momentsName(worker);
        VectorFile.read(run, directory(round) + name, 2, size, sum(round, manifest, name), moments);
    }

    /** Reads every file of a checkpoint; throws {@link UserError} naming the first that is not what was written. */
    public void verify(int round) {
        manifest(round).files().forEach((name, sum) -> {
            String file = directory(round) + name;
            sum.checkLength(run, file);
            CRC32C crc = new CRC32C();
            byte[] buffer = new byte[1 << 16];
            try (InputStream in = run.open(file)) {
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    crc.update(buffer, 0, n);
                }
            } catch (IOException e) {
                throw new UserError(run.path(file) + ": cannot read it: " + e.getMessage() + Checkpoint.REMEDY, e);
            }
            sum.checkCrc(run.path(file), crc.getValue());
        });
    }

    /** Begins the checkpoint of {@code round}: clears what a crash may have left of it. */
    public void begin(int round) {
        run.delete(staging(round));
        run.createDirectory(staging(round));
    }

    /**
     * Writes one worker's moments, of {@code size} floats each, into a checkpoint that has begun; may be called again,
     * and from any machine.
     */
    public FileSum writeMoments(int round, int worker, int size, VectorPieces moments) {
        return VectorFile.write(run, staging(round) + momentsName(worker), 2, size, moments);
    }

    /**
     * Writes the rest of a checkpoint that has begun and publishes it, then deletes all but the newest {@code keep}.
     *
     * @param moments what {@link #writeMoments} returned, in worker order
     */
    public void publish(Checkpoint checkpoint, List<FileSum> moments, int keep) {
        int round = checkpoint.round();
        String staging = staging(round);
        Map<String, FileSum> files = new TreeMap<>();
        for (int worker = 0; worker < moments.size(); worker++) {
            files.put(momentsName(worker), moments.get(worker));
        }
        files.put(PARAMETERS, VectorFile.write(run, staging + PARAMETERS, checkpoint.parameters()));
        checkpoint
                .moments()
                .ifPresent(m -> files.put(MOMENTS, VectorFile.write(run, staging + MOMENTS, m.first(), m.second())));
        checkpoint.velocity().ifPresent(v -> files.put(OUTER, VectorFile.write(run, staging + OUTER, v)));
        files.put(MODEL, writeJson(staging + MODEL, checkpoint.spec()));
        files.put(PROGRESS, writeJson(staging + PROGRESS, checkpoint.progress()));
        run.delete(directory(round));
        run.rename(staging, directory(round));
        writeJson(directory(round) + MANIFEST, new Manifest(Manifest.FORMAT, Manifest.VERSION, round, files));
        prune(keep);
    }

    /** Deletes what {@link #begin} began. */
    public void abandon(int round) {
        run.delete(staging(round));
    }

    /** Deletes the checkpoints after {@code round}: what a run that goes on from {@code round} will write again. */
    public void deleteAfter(int round) {
        list().stream().filter(r -> r > round).forEach(this::delete);
    }

    private void prune(int keep) {
        List<Integer> rounds = list();
        rounds.subList(0, Math.max(0, rounds.size() - keep)).forEach(this::delete);
    }

    private void delete(int round) {
        // Without its manifest it no longer exists, however far the rest of the deletion comes.
        run.delete(directory(round) + MANIFEST);
        run.delete(directory(round));
    }

    private FileSum writeJson(String name, Object value) {
        byte[] bytes = CheckpointJson.write(value).getBytes(StandardCharsets.UTF_8);
        run.write(name, bytes);
        return FileSum.of(bytes);
    }

    private Manifest manifest(int round) {
        String name = directory(round) + MANIFEST;
        if (!run.exists(name)) {
            throw new UserError(run.path(directory(round)) + ": no complete checkpoint of round " + round
                    + "; there are " + list());
        }
        Manifest manifest = CheckpointJson.read(run.readText(name), Manifest.class, run.path(name));
        if (!Manifest.FORMAT.equals(manifest.format()) || manifest.version() != Manifest.VERSION) {
            throw new UserError(run.path(name) + ": format " + manifest.format() + " version " + manifest.version()
                    + ", this build reads " + Manifest.FORMAT + " version " + Manifest.VERSION
                    + "; use the build that wrote it");
        }
        return manifest;
    }

    private FileSum sum(int round, Manifest manifest, String name) {
        FileSum sum = manifest.files().get(name);
        if (sum == null) {
            throw new UserError(run.path(directory(round) + MANIFEST) + ": lists no file " + name + ", but "
                    + manifest.files().keySet() + Checkpoint.REMEDY);
        }
        return sum;
    }

    private <T> T json(int round, Manifest manifest, String name, Class<T> type) {
        String file = directory(round) + name;
        FileSum sum = sum(round, manifest, name);
        sum.checkLength(run, file);
        byte[] bytes = run.read(file);
        sum.checkCrc(run.path(file), FileSum.of(bytes).crc32c());
        return CheckpointJson.read(new String(bytes, StandardCharsets.UTF_8), type, run.path(file));
    }

    private float[][] vectors(int round, Manifest manifest, String name, int count, int size) {
        return VectorFile.read(run, directory(round) + name, count, size, sum(round, manifest, name));
    }

    private static String directory(int round) {
        return ROOT + String.format("round-%06d/", round);
    }

    private static String staging(int round) {
        return ROOT + String.format(".round-%06d.writing/", round);
    }

    private static String momentsName(int worker) {
        return String.format("worker-%03d.moments", worker);
    }
}
