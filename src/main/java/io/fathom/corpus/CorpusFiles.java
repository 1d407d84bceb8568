package io.fathom.corpus;

import io.fathom.config.UserError;
import java.io.IOException;
import java.net.UnknownHostException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;

/** Where the files of a corpus lie. */
public final class CorpusFiles {
    /** The manifest; a corpus without it does not exist. */
    public static final String MANIFEST = "manifest.json";
    /** One line of JSON for each file that was read. */
    public static final String SOURCES = "sources.jsonl";

    /** How the name of every shard ends. */
    public static final String SHARD_SUFFIX = ".tokens";

    private CorpusFiles() {}

    /**
     * The file system of {@code path}; the local one without Hadoop's hidden {@code .crc} companions, since shards
     * carry their own checksum.
     *
     * @throws UserError if there is no such file system
     */
    public static FileSystem fileSystem(Path path, Configuration hadoop) {
        try {
            FileSystem fileSystem = reach(path, hadoop);
            return fileSystem instanceof LocalFileSystem local ? local.getRawFileSystem() : fileSystem;
        } catch (IOException | IllegalArgumentException e) {
            throw new UserError(path + ": cannot reach its file system: " + e.getMessage(), e);
        }
    }

    /** The file system of {@code path}; Hadoop tells of a connector that is missing by a bare RuntimeException. */
    static FileSystem reach(Path path, Configuration hadoop) throws IOException {
        try {
            return path.getFileSystem(hadoop);
        } catch (IllegalArgumentException e) {
            // Hadoop tells of a host that it cannot find by this, with the reason as its cause.
            if (e.getCause() instanceof UnknownHostException) {
                throw new IOException("unknown host " + path.toUri().getHost(), e);
            }
            throw e;
        } catch (RuntimeException e) {
            throw new IOException(
                    "no connector for " + path.toUri().getScheme() + ": on the class path, add it with --packages ("
                            + e.getMessage() + ")",
                    e);
        }
    }

    /** The file of shard {@code index} of a split. */
    public static String shardName(String split, int index) {
        return "%s-%05d".formatted(split, index) + SHARD_SUFFIX;
    }
}
