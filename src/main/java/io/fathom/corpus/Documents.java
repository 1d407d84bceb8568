package io.fathom.corpus;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.CompressionCodecFactory;
import org.jspecify.annotations.Nullable;

/**
 * The documents of one part of a file, normalised, without the blank ones. A file that cannot be read to its end gives
 * no exception but a problem in its {@link #report()}, so that one pass finds the problems of all files.
 */
public final class Documents implements AutoCloseable {
    private final SourcePart part;
    private final Configuration hadoop;
    private final CorpusSettings settings;
    private final MessageDigest content = Hashes.sha256();
    private @Nullable DocumentReader reader;
    private @Nullable File unpacked;
    private long documents;
    private long blank;
    private long replaced;
    private @Nullable String problem;
    private boolean ended;

    public Documents(SourcePart part, CorpusSettings settings, Configuration hadoop) {
        this.part = part;
        this.settings = settings;
        this.hadoop = hadoop;
    }

    /**
     * A document.
     *
     * @param hash its SHA-256
     * @param utf8 its normalised text
     */
    public record Document(byte[] hash, byte[] utf8) {}

    /** The next document, null after the last or at a problem. */
    public @Nullable Document next() {
        if (ended) {
            return null;
        }
        try {
            if (reader == null) {
                reader = open();
            }
            for (NormalText text = reader.next(); text != null; text = reader.next()) {
                replaced += text.replaced();
                if (text.isBlank()) {
                    blank++;
                    continue;
                }
                documents++;
                byte[] utf8 = text.utf8();
                byte[] hash = DocumentHash.of(utf8);
                content.update(hash);
                return new Document(hash, utf8);
            }
        } catch (IOException e) {
            problem = part.path() + (e instanceof BadSourceException ? ": " : ": cannot be read: ") + reason(e);
        }
        close();
        return null;
    }

    /** What came of reading; complete when {@link #next} has given null. */
    public SourceReport report() {
        return new SourceReport(
                part.index(),
                part.source(),
                documents,
                blank,
                replaced,
                HexFormat.of().formatHex(content.digest()),
                problem);
    }

    private static String reason(IOException e) {
        String message = e.getMessage();
        if (e instanceof UnknownHostException) {
            return "unknown host " + message;
        }
        return message == null || message.isBlank() ? e.getClass().getSimpleName() : message;
    }

    private DocumentReader open() throws IOException {
        Path path = new Path(part.path());
        FileSystem fileSystem = CorpusFiles.reach(path, hadoop);
        return switch (part.kind()) {
            case TEXT -> new TextReader(lines(fileSystem, path), settings);
            case JSON_LINES ->
                new JsonLinesReader(
                        lines(fileSystem, path), position -> linesBefore(fileSystem, path, position), settings);
            case PARQUET -> new ParquetReader(hadoop, part, settings);
            case ARCHIVE -> new ArchiveReader(localFile(fileSystem, path), settings);
        };
    }

    private LineInput lines(FileSystem fileSystem, Path path) throws IOException {
        FSDataInputStream file = fileSystem.open(path);
        if (part.compressed()) {
            CompressionCodec codec = new CompressionCodecFactory(hadoop).getCodec(path);
            try {
                return new LineInput(codec.createInputStream(file), 0, Long.MAX_VALUE);
            } catch (RuntimeException e) {
                // Some codecs are native, and say by a bare RuntimeException that the library is missing.
                file.close();
                throw new BadSourceException("cannot be unpacked here: " + e.getMessage());
            }
        }
        file.seek(Math.max(0, part.from() - 1));
        return new LineInput(file, part.from(), part.to());
    }

    private static long linesBefore(FileSystem fileSystem, Path path, long position) throws IOException {
        try (InputStream in = fileSystem.open(path)) {
            return JsonLinesReader.linesIn(in, position);
        }
    }

    /** An archive is read through its directory at the end, so a remote one is copied first. */
    private File localFile(FileSystem fileSystem, Path path) throws IOException {
        FileSystem raw = CorpusFiles.fileSystem(path, hadoop);
        if (raw instanceof RawLocalFileSystem local) {
            return local.pathToFile(path);
        }
        File copy = File.createTempFile("fathom-archive", ".zip");
        unpacked = copy;
        try (InputStream in = fileSystem.open(path)) {
            Files.copy(in, copy.toPath(), StandardCopyOption.REPLACE_EXISTING);
        }
        return copy;
    }

    /** Frees what reading holds; safe to call twice. */
    @Override
    public void close() {
        ended = true;
        try {
            if (reader != null) {
                reader.close();
            }
            if (unpacked != null) {
                Files.deleteIfExists(unpacked.toPath());
            }
        } catch (IOException e) {
            if (problem == null) {
                problem = part.path() + ": cannot be closed: " + reason(e);
            }
        }
        reader = null;
        unpacked = null;
    }
}
