package io.fathom.cluster;

import io.fathom.faults.CutStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.util.Progressable;

/**
 * The local file system as {@code faulty:/...}, which strikes once, in the middle of the first file written whose path
 * matches a pattern: the disk is full, or the process is killed with signal 9.
 */
public final class FaultyFileSystem extends RawLocalFileSystem implements CutStream.Blow {
    private static final URI ROOT = URI.create("faulty:///");
    private static final String KEY = "fathom.faulty.";

    /** Settings for Spark, key, value, key, value. */
    static List<String> settings(java.nio.file.Path struck, FaultPlan.Kind kind, String pattern) {
        return List.of(
                "spark.hadoop.fs.faulty.impl",
                FaultyFileSystem.class.getName(),
                "spark.hadoop.fs.faulty.impl.disable.cache",
                "true",
                "spark.hadoop." + KEY + "struck",
                struck.toString(),
                "spark.hadoop." + KEY + "kind",
                kind.name(),
                "spark.hadoop." + KEY + "pattern",
                pattern);
    }

    @Override
    public void initialize(URI uri, Configuration conf) throws IOException {
        super.initialize(ROOT, conf);
        setConf(conf);
    }

    @Override
    public URI getUri() {
        return ROOT;
    }

    @Override
    public FSDataOutputStream create(
            Path path, boolean overwrite, int bufferSize, short replication, long blockSize, Progressable progress)
            throws IOException {
        OutputStream sound = super.create(path, overwrite, bufferSize, replication, blockSize, progress);
        boolean sure = !path.toString().matches(getConf().get(KEY + "pattern"));
        return new FSDataOutputStream(sure ? sound : new CutStream(sound, this), null);
    }

    @Override
    public boolean falls() throws IOException {
        try {
            Files.createFile(java.nio.file.Path.of(getConf().get(KEY + "struck")));
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        }
    }

    @Override
    public void strike() throws IOException {
        if (getConf().get(KEY + "kind").equals(FaultPlan.Kind.KILL.name())) {
            Processes.killThisOne();
        }
        throw new IOException("No space left on device");
    }
}
