package io.fathom.cluster;

import io.fathom.corpus.CorpusFiles;
import io.fathom.corpus.HadoopSettings;
import io.fathom.corpus.ShardTokens;
import io.fathom.corpus.ShardWriter;
import io.fathom.corpus.Tokenizer;
import io.fathom.corpus.Tokenizers;
import java.io.BufferedOutputStream;
import java.io.IOException;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;

/** The task that writes one shard from slices of bucket files; gives its checksum. */
final class WriteShard implements Function<byte[], String> {
    private static final long serialVersionUID = 1L;
    private static final int BUFFER_BYTES = 1 << 18;

    private final String tokenizer;
    private final HadoopSettings hadoop;
    private final String work;

    WriteShard(String tokenizer, HadoopSettings hadoop, String work) {
        this.tokenizer = tokenizer;
        this.hadoop = hadoop;
        this.work = work;
    }

    @Override
    public String call(byte[] planned) throws IOException {
        ShardPlan plan = Wire.of(planned, ShardPlan.class);
        Tokenizer tokens = Tokenizers.named(tokenizer);
        FileSystem fileSystem = CorpusFiles.fileSystem(new Path(work), hadoop.configuration());
        Path attempt = new Path(work, plan.file() + "-" + TaskContext.get().taskAttemptId());
        String checksum;
        try (ShardWriter writer = new ShardWriter(
                new BufferedOutputStream(fileSystem.create(attempt), BUFFER_BYTES), tokens, plan.tokens())) {
            for (ShardPlan.Slice slice : plan.slices()) {
                try (FSDataInputStream in = fileSystem.open(new Path(work, slice.file()))) {
                    ShardTokens.copy(in, slice.from(), slice.tokens(), writer, tokens);
                }
            }
            checksum = writer.finish();
        }
        Path shard = new Path(work, plan.file());
        // An attempt whose answer was lost has left the same bytes.
        fileSystem.delete(shard, false);
        if (!fileSystem.rename(attempt, shard)) {
            throw new IOException(attempt + " cannot be moved to " + shard);
        }
        return checksum;
    }
}
