package io.fathom.cluster;

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
public final class FaultyFileSystem extends RawLocalFileSystem {
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
        if (!path.toString().matches(getConf().get(KEY + "pattern"))) {
            return new FSDataOutputStream(sound, null);
        }
        return new FSDataOutputStream(
                new OutputStream() {
                    @Override
                    public void write(int b) throws IOException {
                        write(new byte[] {(byte) b}, 0, 1);
                    }

                    @Override
                    public void write(byte[] bytes, int offset, int length) throws IOException {
                        if (claim()) {
                            sound.write(bytes, offset, length / 2);
                            sound.flush();
                            strike();
                        }
                        sound.write(bytes, offset, length);
                    }

                    @Override
                    public void close() throws IOException {
                        sound.close();
                    }
                },
                null);
    }

    private boolean claim() throws IOException {
        try {
            Files.createFile(java.nio.file.Path.of(getConf().get(KEY + "struck")));
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        }
    }

    private void strike() throws IOException {
        if (getConf().get(KEY + "kind").equals(FaultPlan.Kind.KILL.name())) {
            Processes.killThisOne();
        }
        throw new IOException("No space left on device");
    }
}
