package io.fathom.corpus;

import java.io.File;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * The text and JSON lines inside a zip or jar file, entry by entry in the order of its directory. Hidden entries,
 * entries with other extensions and archives inside are passed over. No more than {@code maxDocumentBytes} of an entry
 * are unpacked, whatever it claims.
 */
final class ArchiveReader implements DocumentReader {
    private final ZipFile archive;
    private final Enumeration<? extends ZipEntry> entries;
    private final CorpusSettings settings;
    private final Set<String> extensions;
    private String entryName = "";
    private @Nullable DocumentReader entry;

    ArchiveReader(File file, CorpusSettings settings) throws IOException {
        // Old archives name entries in any code page; only the extension matters, so one that accepts every byte
        // serves.
        this.archive = new ZipFile(file, StandardCharsets.ISO_8859_1);
        this.entries = archive.entries();
        this.settings = settings;
        this.extensions = Set.copyOf(settings.extensions());
    }

    @Override
    public @Nullable NormalText next() throws IOException {
        try {
            while (true) {
                if (entry == null) {
                    entry = nextEntry();
                    if (entry == null) {
                        return null;
                    }
                }
                NormalText document = entry.next();
                if (document != null) {
                    return document;
                }
                entry.close();
                entry = null;
            }
        } catch (IOException e) {
            throw entryName.isEmpty() ? e : new BadSourceException("entry " + entryName + ": " + e.getMessage());
        }
    }

    private @Nullable DocumentReader nextEntry() throws IOException {
        while (entries.hasMoreElements()) {
            ZipEntry next = entries.nextElement();
            Optional<SourceKind> kind = SourceKind.of(next.getName(), extensions);
            boolean text = kind.isPresent() && (kind.get() == SourceKind.TEXT || kind.get() == SourceKind.JSON_LINES);
            if (next.isDirectory() || isHidden(next.getName()) || !text) {
                continue;
            }
            entryName = next.getName();
            InputStream unpacked = archive.getInputStream(next);
            if (unpacked == null) {
                throw new ZipException("has no content");
            }
            LineInput in =
                    new LineInput(new CheckedEntry(unpacked, next, settings.maxDocumentBytes()), 0, Long.MAX_VALUE);
            return kind.get() == SourceKind.TEXT
                    ? new TextReader(in, settings)
                    : new JsonLinesReader(in, position -> 0, settings);
        }
        return null;
    }

    private static boolean isHidden(String name) {
        return Arrays.stream(name.split("/")).anyMatch(part -> part.startsWith(".") || part.equals("__MACOSX"));
    }

    @Override
    public void close() throws IOException {
        archive.close();
    }

    /** The bytes of an entry, bounded, and compared with its checksum at the end, which {@link ZipFile} does not do. */
    private static final class CheckedEntry extends FilterInputStream {
        private final CRC32 crc = new CRC32();
        private final ZipEntry entry;
        private final long mostBytes;
        private long bytes;

        CheckedEntry(InputStream in, ZipEntry entry, long mostBytes) {
            super(in);
            this.entry = entry;
            this.mostBytes = mostBytes;
        }

        @Override
        public int read(byte[] buffer, int at, int length) throws IOException {
            int read = super.read(buffer, at, length);
            if (read < 0) {
                if (crc.getValue() != entry.getCrc()) {
                    throw new ZipException(
                            "is damaged: CRC32 expected %08x, found %08x".formatted(entry.getCrc(), crc.getValue()));
                }
                return read;
            }
            crc.update(buffer, at, read);
            bytes += read;
            if (bytes > mostBytes) {
                throw new BadSourceException("unpacks to more than corpus.maxDocumentBytes = " + mostBytes);
            }
            return read;
        }
    }
}
