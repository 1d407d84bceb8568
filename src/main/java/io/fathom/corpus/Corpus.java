package io.fathom.corpus;

import io.fathom.config.UserError;
import io.fathom.corpus.CorpusManifest.ShardEntry;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A prepared corpus: its manifest, its tokenizer and its two splits.
 *
 * @param path where it lies, fully qualified
 */
public record Corpus(Path path, CorpusManifest manifest, Tokenizer tokenizer, TokenSplit train, TokenSplit validation) {

    /**
     * Opens the corpus in directory {@code path} on any file system. Looks at the manifest and the length of every
     * shard; the contents of a shard are verified when it is first read.
     *
     * @throws UserError if there is none, or if it is incomplete, damaged, or made by another tokenizer than the one of
     *     that name here
     */
    public static Corpus open(Configuration hadoop, String path) {
        FileSystem fileSystem = CorpusFiles.fileSystem(new Path(path), hadoop);
        Path directory = fileSystem.makeQualified(new Path(path));
        CorpusManifest manifest = manifest(fileSystem, directory);
        Tokenizer tokenizer = Tokenizers.named(manifest.tokenizer().name());
        if (!tokenizer.fingerprint().equals(manifest.tokenizer().fingerprint())) {
            throw new UserError(directory + " was made by another version of the tokenizer " + tokenizer.name()
                    + " (expected fingerprint " + tokenizer.fingerprint() + ", found "
                    + manifest.tokenizer().fingerprint() + "): prepare it again with --overwrite");
        }
        ShardFormat format = ShardFormat.of(tokenizer);
        checkLengths(fileSystem, directory, manifest, format);
        HadoopSettings settings = new HadoopSettings(hadoop);
        int shardTokens = manifest.settings().shardTokens();
        return new Corpus(
                directory,
                manifest,
                tokenizer,
                new ShardedSplit(settings, directory, "train", format, shardTokens, manifest.train()),
                new ShardedSplit(settings, directory, "validation", format, shardTokens, manifest.validation()));
    }

    private static CorpusManifest manifest(FileSystem fileSystem, Path directory) {
        Path file = new Path(directory, CorpusFiles.MANIFEST);
        try (InputStream in = fileSystem.open(file)) {
            return CorpusManifest.ofJson(new String(in.readAllBytes(), StandardCharsets.UTF_8), file.toString());
        } catch (FileNotFoundException e) {
            throw new UserError(
                    directory + " is not a complete corpus: it has no " + CorpusFiles.MANIFEST
                            + "; make it with the job prepare, or set corpus.path",
                    e);
        } catch (IOException e) {
            throw new UserError(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static void checkLengths(
            FileSystem fileSystem, Path directory, CorpusManifest manifest, ShardFormat format) {
        Map<String, Long> lengths = new HashMap<>();
        try {
            for (FileStatus status : fileSystem.listStatus(directory)) {
                lengths.put(status.getPath().getName(), status.getLen());
            }
        } catch (IOException e) {
            throw new UserError(directory + " cannot be listed: " + e.getMessage(), e);
        }
        for (CorpusManifest.Split split : new CorpusManifest.Split[] {manifest.train(), manifest.validation()}) {
            for (ShardEntry shard : split.shards()) {
                long expected = format.fileBytes(shard.tokens());
                Long found = lengths.get(shard.file());
                if (found == null || found != expected) {
                    throw new UserError("shard " + new Path(directory, shard.file()) + " is "
                            + (found == null ? "missing" : "truncated or grew (found " + found + " bytes)")
                            + ", expected " + expected + " bytes: prepare the corpus again with --overwrite");
                }
            }
        }
    }
}
