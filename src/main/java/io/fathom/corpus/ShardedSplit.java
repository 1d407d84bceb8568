package io.fathom.corpus;

import io.fathom.corpus.CorpusManifest.ShardEntry;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A split in shard files. Every shard but the last holds the same number of tokens, so the shard of a token is one
 * division away. A shard is opened and verified at its first read, once in this JVM whichever task reads it.
 */
final class ShardedSplit implements TokenSplit {
    private static final long serialVersionUID = 1L;

    /** Open shards of this JVM. The checksum is in the key: a corpus prepared anew at the same path is another. */
    private static final ConcurrentHashMap<String, Shard> OPEN = new ConcurrentHashMap<>();

    private final String directory;
    private final String split;
    private final ShardFormat format;
    private final int shardTokens;
    private final long tokens;
    private final long bytes;
    private final ShardEntry[] shards;
    private final HadoopSettings hadoop;

    ShardedSplit(
            HadoopSettings hadoop,
            Path directory,
            String split,
            ShardFormat format,
            int shardTokens,
            CorpusManifest.Split content) {
        this.hadoop = hadoop;
        this.directory = directory.toString();
        this.split = split;
        this.format = format;
        this.shardTokens = shardTokens;
        this.tokens = content.tokens();
        this.bytes = content.bytes();
        List<ShardEntry> entries = content.shards();
        this.shards = entries.toArray(ShardEntry[]::new);
    }

    @Override
    public String name() {
        return "the " + split + " split of " + directory;
    }

    @Override
    public long tokens() {
        return tokens;
    }

    @Override
    public double bytesPerToken() {
        return (double) bytes / tokens;
    }

    @Override
    public int[] read(long from, int count) {
        if (from < 0 || count < 0 || from + count > tokens) {
            throw new IndexOutOfBoundsException(
                    "tokens " + from + " .. " + (from + count) + " of " + tokens + " of " + name());
        }
        int[] into = new int[count];
        int done = 0;
        while (done < count) {
            int shard = (int) ((from + done) / shardTokens);
            long inShard = (from + done) % shardTokens;
            int part = (int) Math.min(count - done, shards[shard].tokens() - inShard);
            shard(shard).read(inShard, into, done, part);
            done += part;
        }
        return into;
    }

    private Shard shard(int index) {
        ShardEntry entry = shards[index];
        String key = directory + "/" + entry.file() + "#" + entry.crc32c();
        return OPEN.computeIfAbsent(key, k -> {
            Path path = new Path(directory);
            FileSystem fileSystem = CorpusFiles.fileSystem(path, hadoop.configuration());
            return Shard.open(fileSystem, path, entry, format);
        });
    }

    @Override
    public String toString() {
        return name() + ": " + tokens + " tokens in " + Arrays.toString(shards);
    }
}
