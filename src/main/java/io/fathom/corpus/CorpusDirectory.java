package io.fathom.corpus;

import io.fathom.config.UserError;
import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The directory of a corpus as its maker sees it: filled beside its place, moved there whole, and its manifest written
 * last. Whatever stops the maker, readers find the corpus before or the corpus after, or none; never half of one.
 */
public final class CorpusDirectory {
    private static final String PREPARING = ".preparing-";
    private static final String REPLACED = ".replaced-";
    private static final long FORGOTTEN_MILLIS = TimeUnit.DAYS.toMillis(1);

    private final FileSystem fileSystem;
    private final Path path;

    /** The corpus directory {@code path}, whether it exists or not. */
    public CorpusDirectory(Configuration hadoop, String path) {
        this.fileSystem = CorpusFiles.fileSystem(new Path(path), hadoop);
        this.path = fileSystem.makeQualified(new Path(path));
    }

    /** Where it lies, fully qualified. */
    public Path path() {
        return path;
    }

    /**
     * What the complete corpus here was made from; empty if there is none, or if it is to be replaced.
     *
     * @param replaced whether it is to be replaced, readable or not
     * @throws UserError if the directory holds files that are no corpus: they are never touched
     */
    public Optional<List<SourceRecord>> sources(boolean replaced) {
        boolean complete = false;
        for (FileStatus file : list()) {
            String name = file.getPath().getName();
            complete |= name.equals(CorpusFiles.MANIFEST);
            boolean ours = name.equals(CorpusFiles.MANIFEST)
                    || name.equals(CorpusFiles.MANIFEST + ".new")
                    || name.equals(CorpusFiles.SOURCES)
                    || name.endsWith(CorpusFiles.SHARD_SUFFIX);
            if (!ours) {
                throw new UserError(path + " holds " + name
                        + ", which belongs to no corpus: set corpus.path to a directory of its own");
            }
        }
        return complete && !replaced ? Optional.of(readSources()) : Optional.empty();
    }

    private FileStatus[] list() {
        try {
            if (fileSystem.getFileStatus(path).isFile()) {
                throw new UserError(path + " is a file: set corpus.path to a directory");
            }
            return fileSystem.listStatus(path);
        } catch (FileNotFoundException e) {
            return new FileStatus[0];
        } catch (IOException e) {
            throw new UserError(path + " cannot be listed: " + e.getMessage(), e);
        }
    }

    private List<SourceRecord> readSources() {
        Path file = new Path(path, CorpusFiles.SOURCES);
        List<SourceRecord> records = new ArrayList<>();
        try (InputStream in = fileSystem.open(file);
                BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                records.add(SourceRecord.ofJsonLine(line, file.toString()));
            }
        } catch (IOException e) {
            throw new UserError(
                    file + " cannot be read: " + e.getMessage() + ": prepare the corpus again with --overwrite", e);
        }
        return records;
    }

    /** A new empty directory beside this one, for the shards; deleted when this JVM ends, unless published. */
    public Path begin() throws IOException {
        deleteForgotten();
        Path work = beside(PREPARING);
        if (!fileSystem.mkdirs(work)) {
            throw new IOException(work + " cannot be made");
        }
        fileSystem.deleteOnExit(work);
        return work;
    }

    private Path beside(String purpose) {
        return new Path(path.getParent(), "." + path.getName() + purpose + UUID.randomUUID());
    }

    /** A JVM that was killed outright could not delete its work; after a day nobody can be at it any more. */
    private void deleteForgotten() throws IOException {
        if (!fileSystem.exists(path.getParent())) {
            return;
        }
        for (FileStatus file : fileSystem.listStatus(path.getParent())) {
            if (file.getPath().getName().startsWith("." + path.getName() + PREPARING)
                    && System.currentTimeMillis() - file.getModificationTime() > FORGOTTEN_MILLIS) {
                fileSystem.delete(file.getPath(), true);
            }
        }
    }

    /** Deletes {@code work}, which is not going to be published. */
    public void abandon(Path work) throws IOException {
        fileSystem.delete(work, true);
        fileSystem.cancelDeleteOnExit(work);
    }

    /** Puts {@code work}, which holds exactly the shards of {@code manifest}, in the place of whatever was here. */
    public void publish(Path work, CorpusManifest manifest, List<SourceRecord> sources) throws IOException {
        try (OutputStream out = fileSystem.create(new Path(work, CorpusFiles.SOURCES))) {
            for (SourceRecord source : sources) {
                out.write(source.toJsonLine().getBytes(StandardCharsets.UTF_8));
            }
        }
        Path replaced = beside(REPLACED);
        boolean replaces = fileSystem.exists(path);
        if (replaces) {
            rename(path, replaced);
        }
        try {
            rename(work, path);
            fileSystem.cancelDeleteOnExit(work);
            // On an object store the move above is a copy, file by file: hence the manifest after it.
            Path draft = new Path(path, CorpusFiles.MANIFEST + ".new");
            try (OutputStream out = fileSystem.create(draft)) {
                out.write(manifest.toJson().getBytes(StandardCharsets.UTF_8));
            }
            rename(draft, new Path(path, CorpusFiles.MANIFEST));
        } catch (IOException e) {
            restore(replaces, replaced, e);
            throw e;
        }
        if (replaces) {
            fileSystem.delete(replaced, true);
        }
    }

    private void restore(boolean replaces, Path replaced, IOException failure) {
        try {
            if (replaces) {
                fileSystem.delete(path, true);
                rename(replaced, path);
            }
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    private void rename(Path from, Path to) throws IOException {
        if (!fileSystem.rename(from, to)) {
            throw new IOException(from + " cannot be moved to " + to);
        }
    }
}
