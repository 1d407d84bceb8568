package io.fathom.checkpoint;

import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FilterFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/** The local file system, on which something else happens before it is changed, or listed, for one of many times. */
final class InterruptedFileSystem extends FilterFileSystem {
    private final Runnable event;
    private int left;

    /** Runs {@code event} before the change or listing that comes after {@code others}. */
    InterruptedFileSystem(int others, Runnable event) throws IOException {
        super(new RawLocalFileSystem());
        fs.initialize(URI.create("file:///"), new Configuration());
        this.left = others;
        this.event = event;
    }

    boolean interrupted() {
        return left < 0;
    }

    private void visit() {
        if (--left == -1) {
            event.run();
        }
    }

    @Override
    public FSDataOutputStream create(
            Path path,
            FsPermission permission,
            boolean overwrite,
            int bufferSize,
            short replication,
            long blockSize,
            Progressable progress)
            throws IOException {
        visit();
        return super.create(path, permission, overwrite, bufferSize, replication, blockSize, progress);
    }

    @Override
    public boolean rename(Path from, Path to) throws IOException {
        visit();
        return super.rename(from, to);
    }

    @Override
    public boolean delete(Path path, boolean recursive) throws IOException {
        visit();
        return super.delete(path, recursive);
    }

    @Override
    public FileStatus[] listStatus(Path path) throws IOException {
        visit();
        return super.listStatus(path);
    }

    @Override
    public boolean mkdirs(Path path) throws IOException {
        visit();
        return super.mkdirs(path);
    }
}
