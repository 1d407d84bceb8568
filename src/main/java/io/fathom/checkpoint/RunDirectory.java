package io.fathom.checkpoint;

import io.fathom.config.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CommonPathCapabilities;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StreamCapabilities;
import org.apache.hadoop.hdfs.DistributedFileSystem;

/**
 * The directory that holds every artefact of one run, on any file system Hadoop knows.
 *
 * <p>Files are replaced whole: written beside under another name, forced to disk, then renamed; on object stores, where
 * a file is there once it is closed, written once.
 */
public final class RunDirectory {
    private final FileSystem files;
    private final Path root;

    /** The directory {@code path}, which need not exist; throws {@link UserError} for a path no file system serves. */
    public RunDirectory(Configuration hadoop, String path) {
        try {
            Path given = new Path(path);
            this.files = LocalDisk.insteadOf(given.getFileSystem(hadoop));
            this.root = files.makeQualified(given);
        } catch (IOException | IllegalArgumentException e) {
            throw new UserError(
                    "run = " + path + ": no file system serves this path (" + e.getMessage()
                            + "); give a path such as runs/first, hdfs://host/runs/first or s3a://bucket/runs/first",
                    e);
        }
    }

    RunDirectory(FileSystem files, String path) {
        this.files = files;
        this.root = files.makeQualified(new Path(path));
    }

    /** The directory's full path. */
    public String path() {
        return root.toString();
    }

    /** The full path of {@code name}, for messages. */
    public String path(String name) {
        return new Path(root, name).toString();
    }

    /** Whether there is a file or directory {@code name}. */
    public boolean exists(String name) {
        try {
            return files.exists(new Path(root, name));
        } catch (IOException e) {
            throw failed("read", name, e);
        }
    }

    /** The bytes of a file; throws {@link UserError} when there is none. */
    public byte[] read(String name) {
        try (FSDataInputStream in = open(name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw failed("read", name, e);
        }
    }

    /** The text of a file. */
    public String readText(String name) {
        return new String(read(name), StandardCharsets.UTF_8);
    }

    /** The text of a file; empty where there is none. */
    Optional<String> readIfThere(String name) {
        try (FSDataInputStream in = files.open(new Path(root, name))) {
            return Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (FileNotFoundException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw failed("read", name, e);
        }
    }

    /** Replaces a file by {@code text}, whole or not at all. */
    public void write(String name, String text) {
        write(name, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Replaces a file by {@code bytes}, whole or not at all. */
    public void write(String name, byte[] bytes) {
        write(name, out -> out.write(bytes));
    }

    /** Replaces a file by a copy of {@code local}, whole or not at all. */
    public void copy(java.nio.file.Path local, String name) {
        write(name, out -> Files.copy(local, out));
    }

    /** What writes a file's bytes. */
    @FunctionalInterface
    interface Content {
        void writeTo(FSDataOutputStream out) throws IOException;
    }

    void write(String name, Content content) {
        Path path = new Path(root, name);
        try {
            if (files.hasPathCapability(path, CommonPathCapabilities.ABORTABLE_STREAM)) {
                writeAtOnce(path, content);
            } else {
                writeBeside(path, content);
            }
        } catch (IOException | FSError e) {
            // By an Error Hadoop tells what goes wrong on a local disk, such as that it is full.
            throw failed("write", name, e);
        }
    }

    /** Where nobody sees a file before it is closed: on an object store, whose renames are copies. */
    private void writeAtOnce(Path path, Content content) throws IOException {
        try (FSDataOutputStream out = files.create(path, true)) {
            boolean whole = false;
            try {
                content.writeTo(out);
                whole = true;
            } finally {
                if (!whole) {
                    out.abort();
                }
            }
        }
    }

    private void writeBeside(Path path, Content content) throws IOException {
        Path beside =
                new Path(path.getParent(), "." + path.getName() + ".writing-" + Long.toHexString(System.nanoTime()));
        try {
            try (FSDataOutputStream out = files.create(beside, true)) {
                content.writeTo(out);
                if (out.hasCapability(StreamCapabilities.HSYNC)) {
                    out.hsync();
                }
            }
            replace(beside, path);
        } catch (IOException | FSError e) {
            try {
                files.delete(beside, false);
            } catch (IOException left) {
                e.addSuppressed(left);
            }
            throw e;
        }
    }

    private void replace(Path beside, Path path) throws IOException {
        if (files instanceof DistributedFileSystem hdfs) {
            hdfs.rename(beside, path, Options.Rename.OVERWRITE);
        } else if (!files.rename(beside, path)) {
            // Not every other file system renames onto a file that exists.
            files.delete(path, false);
            if (!files.rename(beside, path)) {
                throw new IOException("cannot rename " + beside + " to " + path);
            }
        }
    }

    FSDataInputStream open(String name) {
        try {
            return files.open(new Path(root, name));
        } catch (FileNotFoundException e) {
            throw new UserError(path(name) + ": no such file; is --run right?", e);
        } catch (IOException e) {
            throw failed("read", name, e);
        }
    }

    /** Bytes of a file, or -1 where there is none. */
    long length(String name) {
        try {
            return files.getFileStatus(new Path(root, name)).getLen();
        } catch (FileNotFoundException e) {
            return -1;
        } catch (IOException e) {
            throw failed("read", name, e);
        }
    }

    /** Names in a directory in ascending order; none where there is no directory. */
    List<String> list(String name) {
        try {
            List<String> names = new ArrayList<>();
            for (FileStatus status : files.listStatus(new Path(root, name))) {
                names.add(status.getPath().getName());
            }
            names.sort(Comparator.naturalOrder());
            return names;
        } catch (FileNotFoundException e) {
            return List.of();
        } catch (IOException e) {
            throw failed("read", name, e);
        }
    }

    void createDirectory(String name) {
        try {
            files.mkdirs(new Path(root, name));
        } catch (IOException e) {
            throw failed("write", name, e);
        }
    }

    void rename(String from, String to) {
        try {
            if (!files.rename(new Path(root, from), new Path(root, to))) {
                throw new IOException("cannot rename it to " + to);
            }
        } catch (IOException e) {
            throw failed("write", from, e);
        }
    }

    void delete(String name) {
        delete(new Path(root, name));
    }

    private void delete(Path path) {
        try {
            files.delete(path, true);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot delete " + path + ": " + e.getMessage(), e);
        }
    }

    private static String reason(Throwable e) {
        Throwable cause = e.getCause();
        return String.valueOf((e instanceof FSError && cause != null ? cause : e).getMessage());
    }

    private UserError failed(String what, String name, Throwable e) {
        return new UserError(
                path(name) + ": cannot " + what + " it: " + reason(e)
                        + ("write".equals(what)
                                ? "; make room or permission there, or give another --run; earlier checkpoints are intact"
                                : "; check the path and its permissions"),
                e);
    }
}
