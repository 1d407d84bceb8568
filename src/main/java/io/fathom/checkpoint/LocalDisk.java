package io.fathom.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FsConstants;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;

/**
 * Local files as Hadoop writes them, but without its hidden {@code .crc} companions, since ours carry checksums of
 * their own, and without its {@code chmod}.
 *
 * <p>Hadoop runs that program for each file and directory that it makes. This takes longer than the file, and Ctrl-C in
 * a terminal reaches that program too: what fails then is the write that was to save the round.
 */
final class LocalDisk extends RawLocalFileSystem {
    private LocalDisk() {}

    /** {@code found}, or this where that is Hadoop's own for local files. */
    static FileSystem insteadOf(FileSystem found) throws IOException {
        if (!(found instanceof LocalFileSystem)) {
            return found;
        }
        LocalDisk disk = new LocalDisk();
        disk.initialize(FsConstants.LOCAL_FS_URI, found.getConf());
        return disk;
    }

    @Override
    public void setPermission(Path path, FsPermission permission) throws IOException {
        java.nio.file.Path local = pathToFile(path).toPath();
        Set<PosixFilePermission> wanted = PosixFilePermissions.fromString(permission.toString());
        // Setting them takes a directory's setgid bit away, by which a group's folder hands down its group.
        if (!Files.getPosixFilePermissions(local).equals(wanted)) {
            Files.setPosixFilePermissions(local, wanted);
        }
    }
}
