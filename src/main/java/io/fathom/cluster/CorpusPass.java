package io.fathom.cluster;

import io.fathom.config.UserError;
import io.fathom.corpus.CorpusFiles;
import io.fathom.corpus.CorpusManifest;
import io.fathom.corpus.CorpusManifest.ShardEntry;
import io.fathom.corpus.CorpusManifest.Split;
import io.fathom.corpus.CorpusManifest.TokenizerIdentity;
import io.fathom.corpus.CorpusSettings;
import io.fathom.corpus.HadoopSettings;
import io.fathom.corpus.SourceFile;
import io.fathom.corpus.SourcePart;
import io.fathom.corpus.SourceRecord;
import io.fathom.corpus.SourceReport;
import io.fathom.corpus.TokenCounts;
import io.fathom.corpus.Tokenizer;
import io.fathom.corpus.Tokenizers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.CollectionAccumulator;

/**
 * The Spark pass from files to token shards.
 *
 * <p>Documents are read, normalised and hashed where they lie, shuffled by ranges of their hash and sorted in each, so
 * equal ones meet and the order is that of the hashes, however many tasks there are. Each range is tokenised into a
 * file of its own; their token counts tell which tokens of which files make each shard, and a second job writes the
 * shards. No machine ever holds more than one document and what Spark's sorter keeps before it spills.
 */
final class CorpusPass {
    private static final long READ_TASK_BYTES = 64L << 20;
    private static final long LEAST_READ_TASK_BYTES = 1L << 20;
    private static final long OPENING_COSTS_BYTES = 1L << 16;
    private static final long BUCKET_BYTES = 64L << 20;
    private static final long UNPACKED_RATIO = 4;
    private static final int TASKS_A_CORE = 4;
    private static final int MOST_BUCKETS = 1 << 16;
    private static final int SHOWN_PROBLEMS = 20;

    private final JavaSparkContext spark;
    private final CorpusSettings settings;
    private final List<SourceFile> files;
    private final PassProgress progress;
    private final HadoopSettings hadoop;

    CorpusPass(JavaSparkContext spark, CorpusSettings settings, List<SourceFile> files, PassProgress progress) {
        this.spark = spark;
        this.settings = settings;
        this.files = files;
        this.progress = progress;
        this.hadoop = new HadoopSettings(spark.hadoopConfiguration());
    }

    /** What the pass gives. */
    record Written(CorpusManifest manifest, List<SourceRecord> sources) {}

    /**
     * Fills the empty directory {@code work} with the shards of the corpus.
     *
     * @param leastTokens of each split
     * @throws UserError naming every file that cannot be read to its end, or a split that is too small
     */
    Written write(Path work, long leastTokens) throws IOException, InterruptedException {
        Tokenizer tokenizer = Tokenizers.named(settings.tokenizer());
        CollectionAccumulator<SourceReport> reports = spark.sc().collectionAccumulator("files");

        List<BucketResult> buckets = tokenise(work, tokenizer, reports);
        problem(reports).ifPresent(problem -> {
            throw problem;
        });
        List<SourceRecord> sources = SourceRecord.of(files, distinct(reports));
        List<BucketResult.Tokens> train =
                buckets.stream().map(BucketResult::train).toList();
        List<BucketResult.Tokens> validation =
                buckets.stream().map(BucketResult::validation).toList();
        requireTokens("training", train, sources, leastTokens);
        requireTokens("validation", validation, sources, leastTokens);

        List<ShardPlan> plans = new ArrayList<>(ShardPlan.of("train", train, settings.shardTokens()));
        int trainShards = plans.size();
        plans.addAll(ShardPlan.of("validation", validation, settings.shardTokens()));
        List<ShardEntry> shards = writeShards(work, plans);
        deleteAllButShards(work);

        TokenCounts counts = new TokenCounts(tokenizer.vocabulary());
        buckets.forEach(bucket -> counts.add(bucket.trainCounts()));
        Split trainSplit = split(train, shards.subList(0, trainShards));
        Split validationSplit = split(validation, shards.subList(trainShards, shards.size()));
        CorpusManifest manifest = new CorpusManifest(
                CorpusManifest.FORMAT_VERSION,
                settings,
                TokenizerIdentity.of(tokenizer),
                files.size(),
                SourceRecord.hash(sources),
                trainSplit.documents() + validationSplit.documents(),
                buckets.stream().mapToLong(BucketResult::duplicates).sum(),
                sources.stream().mapToLong(SourceRecord::blankDocuments).sum(),
                trainSplit.bytes() + validationSplit.bytes(),
                sources.stream().mapToLong(SourceRecord::invalidUtf8).sum(),
                counts.entropyNats(),
                trainSplit,
                validationSplit);
        return new Written(manifest, sources);
    }

    private List<BucketResult> tokenise(Path work, Tokenizer tokenizer, CollectionAccumulator<SourceReport> reports)
            throws InterruptedException {
        List<SourcePart> parts = SourcePart.of(files);
        List<byte[]> tasks = readTasks(parts);
        JavaRDD<byte[]> tokenised = spark.parallelize(tasks, tasks.size())
                .flatMapToPair(new ReadDocuments(settings, hadoop, reports))
                .repartitionAndSortWithinPartitions(new DocumentKey.Buckets(buckets()), new DocumentKey.Order())
                .mapPartitionsWithIndex(
                        new TokeniseBucket(settings, hadoop, work.toString(), validationParts()), false);
        spark.setJobDescription("corpus: read, sort and tokenise " + files.size() + " files");
        // Once all files are read a problem in one of them ends the job; not before, so that all problems are told.
        Supplier<Optional<UserError>> mistake =
                () -> reports.value().size() < parts.size() ? Optional.empty() : problem(reports);
        return progress.await(spark, "reading and tokenising", tokenised.collectAsync(), mistake).stream()
                .map(bytes -> BucketResult.of(bytes, tokenizer.vocabulary()))
                .toList();
    }

    private int validationParts() {
        return SourcePart.of(files.stream().filter(SourceFile::validation).toList())
                .size();
    }

    /** The parts of the files in tasks of similar size, as many as keep all cores busy. */
    private List<byte[]> readTasks(List<SourcePart> parts) {
        long bytes = parts.stream().mapToLong(CorpusPass::cost).sum();
        long least = Math.max(
                LEAST_READ_TASK_BYTES,
                Math.min(READ_TASK_BYTES, bytes / ((long) TASKS_A_CORE * spark.defaultParallelism())));
        List<byte[]> tasks = new ArrayList<>();
        List<SourcePart> task = new ArrayList<>();
        long taskBytes = 0;
        for (SourcePart part : parts) {
            task.add(part);
            taskBytes += cost(part);
            if (taskBytes >= least) {
                tasks.add(Wire.bytes(task.toArray(SourcePart[]::new)));
                task.clear();
                taskBytes = 0;
            }
        }
        if (!task.isEmpty()) {
            tasks.add(Wire.bytes(task.toArray(SourcePart[]::new)));
        }
        return tasks;
    }

    private static long cost(SourcePart part) {
        return part.bytes() + OPENING_COSTS_BYTES;
    }

    private int buckets() {
        long unpacked = files.stream()
                .mapToLong(file -> file.bytes() * (file.isPacked() ? UNPACKED_RATIO : 1))
                .sum();
        long least = (long) TASKS_A_CORE * spark.defaultParallelism();
        return (int) Math.min(MOST_BUCKETS, Math.max(least, unpacked / BUCKET_BYTES));
    }

    private List<ShardEntry> writeShards(Path work, List<ShardPlan> plans) throws InterruptedException {
        List<byte[]> tasks = plans.stream().map(Wire::bytes).toList();
        spark.setJobDescription("corpus: write " + plans.size() + " shards");
        List<String> checksums = progress.await(
                spark,
                "writing shards",
                spark.parallelize(tasks, tasks.size())
                        .map(new WriteShard(settings.tokenizer(), hadoop, work.toString()))
                        .collectAsync());
        List<ShardEntry> entries = new ArrayList<>();
        for (int shard = 0; shard < plans.size(); shard++) {
            ShardPlan plan = plans.get(shard);
            entries.add(new ShardEntry(plan.file(), plan.tokens(), checksums.get(shard)));
        }
        return entries;
    }

    /** Attempts that were given up may have left more files than the results name. */
    private void deleteAllButShards(Path work) throws IOException {
        FileSystem fileSystem = CorpusFiles.fileSystem(work, spark.hadoopConfiguration());
        for (FileStatus file : fileSystem.listStatus(work)) {
            if (!file.getPath().getName().endsWith(CorpusFiles.SHARD_SUFFIX)) {
                fileSystem.delete(file.getPath(), false);
            }
        }
    }

    private static Split split(List<BucketResult.Tokens> buckets, List<ShardEntry> shards) {
        return new Split(
                buckets.stream().mapToLong(BucketResult.Tokens::documents).sum(),
                buckets.stream().mapToLong(BucketResult.Tokens::bytes).sum(),
                buckets.stream().mapToLong(BucketResult.Tokens::tokens).sum(),
                List.copyOf(shards));
    }

    private void requireTokens(
            String name, List<BucketResult.Tokens> split, List<SourceRecord> sources, long leastTokens) {
        long documents = sources.stream().mapToLong(SourceRecord::documents).sum();
        if (documents == 0) {
            throw new UserError("corpus.input holds no text: " + files.size()
                    + " files were read and none has a document; see corpus.extensions for what archives give");
        }
        long tokens = split.stream().mapToLong(BucketResult.Tokens::tokens).sum();
        if (tokens < leastTokens) {
            throw new UserError("the " + name + " split has " + tokens + " tokens, and one window of model.context = "
                    + (leastTokens - 1) + " needs " + leastTokens + " (" + documents
                    + " documents were read, "
                    + (validationParts() > 0
                            ? "those of corpus.validationInput"
                            : "corpus.validationFraction = " + settings.validationFraction() + " of them")
                    + " are for validation): give more text, change corpus.validationFraction or lower"
                    + " model.context");
        }
    }

    /** Reports of tasks that ran twice come twice, and are equal. */
    private static List<SourceReport> distinct(CollectionAccumulator<SourceReport> reports) {
        TreeMap<Integer, SourceReport> byPart = new TreeMap<>();
        for (SourceReport report : List.copyOf(reports.value())) {
            byPart.put(report.part(), report);
        }
        return List.copyOf(byPart.values());
    }

    private static Optional<UserError> problem(CollectionAccumulator<SourceReport> reports) {
        List<String> problems = distinct(reports).stream()
                .flatMap(report -> Optional.ofNullable(report.problem()).stream())
                .toList();
        if (problems.isEmpty()) {
            return Optional.empty();
        }
        String shown = String.join("\n  ", problems.subList(0, Math.min(SHOWN_PROBLEMS, problems.size())));
        String more = problems.size() > SHOWN_PROBLEMS ? "\n  and " + (problems.size() - SHOWN_PROBLEMS) + " more" : "";
        return Optional.of(new UserError(
                problems.size() == 1
                        ? shown + "; nothing was published"
                        : problems.size() + " files cannot be read, nothing was published:\n  " + shown + more));
    }
}
