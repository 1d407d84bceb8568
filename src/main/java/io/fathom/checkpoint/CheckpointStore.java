package io.fathom.checkpoint;

import io.fathom.config.TrainConfig.InnerMoments;
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
import java.util.Optional;
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
 * <p>A directory without a manifest does not exist. {@link CheckpointWriter} writes them.
 */
public final class CheckpointStore {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointStore.class);
    static final String ROOT = "checkpoints/";
    static final String MANIFEST = "manifest.json";
    static final String MODEL = "model.json";
    static final String PROGRESS = "progress.json";
    static final String PARAMETERS = "parameters";
    static final String OUTER = "outer";
    static final String MOMENTS = "moments";

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

    /** Whether something is saved, or a start has not ended that may be about to. */
    public boolean begun() {
        return !list().isEmpty() || Claim.unended(run).isPresent();
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

    /** What the checkpoint of {@code round} is of; throws {@link UserError} as {@link #read} does. */
    public CheckpointHead head(int round) {
        return head(round, manifest(round));
    }

    private CheckpointHead head(int round, Manifest manifest) {
        InnerMoments moments = manifest.files().containsKey(MOMENTS)
                ? InnerMoments.AVERAGE
                : manifest.files().containsKey(momentsName(0)) ? InnerMoments.LOCAL : InnerMoments.RESET;
        return new CheckpointHead(
                json(round, manifest, MODEL, ModelSpec.class),
                json(round, manifest, PROGRESS, TrainingProgress.class),
                moments);
    }

    /** The checkpoint of {@code round}; throws {@link UserError} when there is none, or it is not what was written. */
    public Checkpoint read(int round) {
        Manifest manifest = manifest(round);
        CheckpointHead head = head(round, manifest);
        int size = ParameterLayout.of(head.spec()).size();
        float[] parameters = vectors(round, manifest, PARAMETERS, 1, size)[0];
        Optional<float[]> velocity = manifest.files().containsKey(OUTER)
                ? Optional.of(vectors(round, manifest, OUTER, 1, size)[0])
                : Optional.empty();
        Optional<Moments> moments = manifest.files().containsKey(MOMENTS)
                ? Optional.of(shared(vectors(round, manifest, MOMENTS, 2, size)))
                : Optional.empty();
        return new Checkpoint(head.spec(), parameters, velocity, moments, head.progress());
    }

    private static Moments shared(float[][] read) {
        return new Moments(read[0], read[1]);
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

    static String directory(int round) {
        return ROOT + String.format("round-%06d/", round);
    }

    static String momentsName(int worker) {
        return String.format("worker-%03d.moments", worker);
    }
}
