package io.fathom.checkpoint;

import io.fathom.corpus.CorpusManifest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How a run came to be, enough to make it again together with {@code config.conf}: {@code <run>/provenance.json}.
 *
 * @param command as it was given to Fathom
 * @param written when, in UTC
 * @param commit of the sources; see {@link Build}
 * @param dirty whether the sources differed from that commit
 * @param versions of Fathom, Spark, ND4J, JavaCPP, OpenBLAS, oneDNN, the JVM and the operating system
 * @param seed of every random stream
 * @param corpus what was learned from
 * @param resumedFrom the rounds from whose checkpoints training went on, in the order of the resumptions
 */
public record Provenance(
        String command,
        String written,
        String commit,
        boolean dirty,
        Map<String, String> versions,
        long seed,
        CorpusIdentity corpus,
        List<Integer> resumedFrom) {

    /** Its file in the run directory. */
    public static final String FILE = "provenance.json";

    /**
     * Which tokens.
     *
     * @param path of the corpus
     * @param sourcesHash of the text; see {@link CorpusManifest}
     * @param tokenizer its name
     * @param tokenizerFingerprint of its tokens
     */
    public record CorpusIdentity(String path, String sourcesHash, String tokenizer, String tokenizerFingerprint) {
        /** The identity of the corpus at {@code path} with manifest {@code corpus}. */
        public static CorpusIdentity of(String path, CorpusManifest corpus) {
            return new CorpusIdentity(
                    path,
                    corpus.sourcesHash(),
                    corpus.tokenizer().name(),
                    corpus.tokenizer().fingerprint());
        }
    }

    /** The provenance of a run that begins now, on this build and JVM. */
    public static Provenance now(String command, String sparkVersion, long seed, CorpusIdentity corpus) {
        Build build = Build.current();
        Map<String, String> versions = new TreeMap<>(build.versions());
        versions.put("spark", sparkVersion);
        versions.put("jvm", System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"));
        versions.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        String written = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
        return new Provenance(command, written, build.commit(), build.dirty(), versions, seed, corpus, List.of());
    }

    /** This provenance for a run that goes on from the checkpoint of {@code round}, after what {@code run} tells. */
    public Provenance resuming(RunDirectory run, int round) {
        List<Integer> rounds = new ArrayList<>();
        if (run.exists(FILE)) {
            rounds.addAll(CheckpointJson.read(run.readText(FILE), Provenance.class, run.path(FILE))
                    .resumedFrom());
        }
        rounds.add(round);
        return new Provenance(command, written, commit, dirty, versions, seed, corpus, List.copyOf(rounds));
    }

    /** Writes {@link #FILE} in {@code run}. */
    public void writeTo(RunDirectory run) {
        run.write(FILE, CheckpointJson.write(this) + "\n");
    }
}
