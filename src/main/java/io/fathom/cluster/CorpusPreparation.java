package io.fathom.cluster;

import io.fathom.config.RunConfig;
import io.fathom.config.UserError;
import io.fathom.corpus.Corpus;
import io.fathom.corpus.CorpusDirectory;
import io.fathom.corpus.CorpusSettings;
import io.fathom.corpus.SourceFile;
import io.fathom.corpus.SourceListing;
import io.fathom.corpus.SourceRecord;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Makes the corpus of a run: lists its text, reuses the corpus that is there if text and settings are the same, and
 * otherwise fills a new one beside its place and publishes it whole.
 */
public final class CorpusPreparation {
    private static final int SHOWN_CHANGES = 5;

    private final JavaSparkContext spark;
    private final RunConfig config;
    private final PassProgress progress;

    public CorpusPreparation(JavaSparkContext spark, RunConfig config, PassProgress progress) {
        this.spark = spark;
        this.config = config;
        this.progress = progress;
    }

    /**
     * The corpus of the run.
     *
     * @param reused whether it was there already
     * @param files that were listed
     */
    public record Prepared(Corpus corpus, boolean reused, SourceListing files) {}

    /**
     * Prepares the corpus.
     *
     * @param overwrite whether a corpus of other text or settings may be replaced
     * @throws UserError naming all inputs that match nothing, all files that cannot be read, a split that is too small,
     *     or what differs in the corpus that is there
     */
    public Prepared prepare(boolean overwrite) throws IOException, InterruptedException {
        Configuration hadoop = spark.hadoopConfiguration();
        CorpusSettings settings = CorpusSettings.of(config.corpus());
        SourceListing listing =
                SourceListing.of(config.corpus().input(), config.corpus().validationInput(), settings, hadoop);
        CorpusDirectory directory = new CorpusDirectory(hadoop, config.corpusPath());
        Optional<List<SourceRecord>> present = directory.sources(overwrite);
        if (present.isPresent()) {
            Corpus corpus = Corpus.open(hadoop, config.corpusPath());
            requireSame(corpus, settings, present.get(), listing.files());
            requireWindows(corpus);
            return new Prepared(corpus, true, listing);
        }
        if (listing.files().isEmpty()) {
            throw new UserError("corpus.input holds no text"
                    + (listing.passedOver().isEmpty() ? "" : ": passed over " + listing.passedOverText())
                    + "; corpus.extensions names the extensions that are read");
        }
        Path work = directory.begin();
        boolean published = false;
        try {
            CorpusPass.Written written =
                    new CorpusPass(spark, settings, listing.files(), progress).write(work, leastTokens());
            directory.publish(work, written.manifest(), written.sources());
            published = true;
        } finally {
            if (!published) {
                directory.abandon(work);
            }
        }
        return new Prepared(Corpus.open(hadoop, config.corpusPath()), false, listing);
    }

    private long leastTokens() {
        return config.model().context() + 1L;
    }

    private void requireWindows(Corpus corpus) {
        long tokens = Math.min(corpus.train().tokens(), corpus.validation().tokens());
        if (tokens < leastTokens()) {
            throw new UserError("the smaller split of " + corpus.path() + " has " + tokens
                    + " tokens, and one window of model.context = "
                    + config.model().context() + " needs "
                    + leastTokens() + ": lower model.context, or prepare more text with --overwrite");
        }
    }

    private static void requireSame(
            Corpus corpus, CorpusSettings settings, List<SourceRecord> records, List<SourceFile> files) {
        Optional<String> difference =
                settings.differenceFrom(corpus.manifest().settings()).or(() -> changes(records, files));
        if (difference.isPresent()) {
            throw new UserError(corpus.path() + " holds another corpus (" + difference.get()
                    + "): replace it by prepare --overwrite, or set corpus.path or --run to another directory");
        }
    }

    private static Optional<String> changes(List<SourceRecord> records, List<SourceFile> files) {
        Map<String, SourceRecord> byPath = new HashMap<>();
        records.forEach(record -> byPath.put(record.path(), record));
        List<String> changed = new ArrayList<>();
        for (SourceFile file : files) {
            SourceRecord record = byPath.remove(file.path());
            if (record == null) {
                changed.add(file.path() + " is new");
            } else if (record.validation() != file.validation()) {
                changed.add(file.path() + " was for " + (record.validation() ? "validation" : "training"));
            } else if (!record.isOf(file)) {
                changed.add(file.path() + " has changed");
            }
        }
        byPath.keySet().stream().sorted().forEach(path -> changed.add(path + " is gone"));
        if (changed.isEmpty()) {
            return Optional.empty();
        }
        int shown = Math.min(SHOWN_CHANGES, changed.size());
        return Optional.of(String.join(", ", changed.subList(0, shown))
                + (changed.size() > shown ? " and " + (changed.size() - shown) + " more" : ""));
    }
}
