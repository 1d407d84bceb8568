package io.fathom.checkpoint;

import io.fathom.faults.CutStream;
import java.io.IOException;
import java.io.OutputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FilterFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/** A local file system on which only so many changes succeed; the one after is cut short, and all others fail. */
final class CrashingFileSystem extends FilterFileSystem implements CutStream.Blow {
    private final String message;
    private int left;

    CrashingFileSystem(RawLocalFileSystem real, int changes, String message) {
        super(real);
        this.left = changes;
        this.message = message;
    }

    boolean crashed() {
        return left < 0;
    }

    private void change() throws IOException {
        if (falls()) {
            strike();
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
        change();
        OutputStream real = fs.create(path, permission, overwrite, bufferSize, replication, blockSize, progress);
        return new FSDataOutputStream(new CutStream(real, this), null);
    }

    @Override
    public boolean falls() {
        return --left < 0;
    }

    @Override
    public void strike() throws IOException {
        throw new IOException(message);
    }

    @Override
    public boolean rename(Path from, Path to) throws IOException {
        change();
        return super.rename(from, to);
    }

    @Override
    public boolean delete(Path path, boolean recursive) throws IOException {
        change();
        return super.delete(path, recursive);
    }

    @Override
    public boolean mkdirs(Path path, FsPermission permission) throws IOException {
        change();
        return super.mkdirs(path, permission);
    }

    @Override
    public boolean mkdirs(Path path) throws IOException {
        change();
        return super.mkdirs(path);
    }
}
