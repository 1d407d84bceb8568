package io.fathom.jobs;

import io.fathom.cluster.CorpusPreparation;
import io.fathom.cluster.CorpusPreparation.Prepared;
import io.fathom.cluster.PassProgress;
import io.fathom.config.RunConfig;
import io.fathom.corpus.CorpusManifest;
import io.fathom.corpus.CorpusManifest.Split;
import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.spark.api.java.JavaSparkContext;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Turns text into token shards: the corpus every other job reads. */
@Command(
        name = "prepare",
        description = "Reads text and writes it as token shards, ready to train on.",
        footer = {
            "",
            "Reads .jsonl, .parquet, .zip, .jar and plain text of any file system Hadoop",
            "knows: paths, globs, directories; lines and text also compressed (.gz, .bz2).",
            "A corpus of the same text and settings is reused; another one in the same",
            "place is an error unless --overwrite is given.",
            "",
            "Settings (--set KEY=VALUE):",
            "  corpus.input               paths or globs of the text; [a,b] for several",
            "  corpus.path                where the shards go; <run>/corpus if empty",
            "  corpus.tokenizer           bytes or gpt2",
            "  corpus.textField           field of a .jsonl line that holds the text",
            "  corpus.textColumn          column of a Parquet file that holds the text",
            "  corpus.extensions          extensions of plain text",
            "  corpus.validationFraction  share of the documents kept for validation",
            "  corpus.validationInput     text to validate on instead",
            "  corpus.textPieceBytes      longer plain text is cut at about this size",
            "  corpus.maxDocumentBytes    longer documents are an error",
            "  corpus.shardTokens         tokens of one shard file",
            "",
            "Example:",
            "  ./submit.sh prepare --run runs/wiki --set corpus.input='data/*.jsonl.gz'"
        })
final class PrepareJob implements Callable<Integer> {
    @Mixin
    private JobOptions options = new JobOptions();

    @Option(names = "--overwrite", description = "Replace a corpus of other text or settings.")
    private boolean overwrite;

    @Override
    public Integer call() throws Exception {
        RunConfig config = options.config();
        long begun = System.nanoTime();
        try (JavaSparkContext spark = SparkContexts.start("prepare")) {
            Prepared prepared =
                    new CorpusPreparation(spark, config, PassProgress.standard("prepare")).prepare(overwrite);
            summarise(prepared, (System.nanoTime() - begun) / 1e9, System.out);
        }
        return 0;
    }

    private static void summarise(Prepared prepared, double seconds, PrintStream out) {
        CorpusManifest corpus = prepared.corpus().manifest();
        line(
                out,
                "%s %s",
                prepared.reused() ? "reused, as text and settings are the same:" : "prepared",
                prepared.corpus().path());
        line(out, "  files       %,d%s", corpus.sources(), passedOver(prepared));
        line(
                out,
                "  documents   %,d kept, %,d duplicates and %,d blank dropped",
                corpus.documents(),
                corpus.duplicates(),
                corpus.blankDocuments());
        line(
                out,
                "  text        %,d bytes of UTF-8, %,d malformed sequences replaced",
                corpus.bytes(),
                corpus.invalidUtf8());
        split(out, "train", corpus.train());
        split(out, "validation", corpus.validation());
        line(
                out,
                "  tokenizer   %s, %,d tokens",
                corpus.tokenizer().name(),
                corpus.tokenizer().vocabulary());
        line(
                out,
                "  order-0     %.4f nats per token, %.4f bits per byte: what knowing only token frequencies gives",
                corpus.entropyNatsPerToken(),
                corpus.entropyNatsPerToken()
                        / Math.log(2)
                        / prepared.corpus().train().bytesPerToken());
        line(out, "  seconds     %.1f", seconds);
    }

    private static void split(PrintStream out, String name, Split split) {
        line(
                out,
                "  %-11s %,d tokens (documents %,d, shards %,d, bytes per token %.3f)",
                name,
                split.tokens(),
                split.documents(),
                split.shards().size(),
                (double) split.bytes() / split.tokens());
    }

    private static String passedOver(Prepared prepared) {
        String others = prepared.files().passedOverText();
        return others.isEmpty() ? "" : " read, passed over " + others;
    }

    private static void line(PrintStream out, String format, Object... values) {
        out.println(String.format(Locale.ROOT, format, values));
    }
}
