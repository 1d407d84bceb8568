package io.fathom.corpus;

import io.fathom.config.UserError;
import io.fathom.corpus.CorpusManifest.ShardEntry;
import io.fathom.corpus.ShardFormat.DamagedShard;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ref.SoftReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * One token shard, checked against its checksum when opened, then read at any place. A local one is mapped into memory;
 * of a remote one the verified bytes are kept as long as the heap has room, later reads fetch only what they need.
 */
final class Shard {
    private static final int CHUNK_BYTES = 1 << 20;

    private final FileSystem fileSystem;
    private final Path file;
    private final ShardFormat format;
    private final Content content;

    private Shard(FileSystem fileSystem, Path file, ShardFormat format, Content content) {
        this.fileSystem = fileSystem;
        this.file = file;
        this.format = format;
        this.content = content;
    }

    /** Where the verified bytes are. */
    private sealed interface Content {
        record Mapped(ByteBuffer file) implements Content {}

        record Fetched(SoftReference<ByteBuffer> file) implements Content {}
    }

    /** Opens and verifies the shard; throws {@link UserError} if it is missing, truncated or damaged. */
    static Shard open(FileSystem fileSystem, Path directory, ShardEntry entry, ShardFormat format) {
        Path file = new Path(directory, entry.file());
        try {
            long expected = format.fileBytes(entry.tokens());
            long found = fileSystem.getFileStatus(file).getLen();
            if (found != expected) {
                throw new DamagedShard("is truncated or grew", expected + " bytes", found + " bytes");
            }
            ByteBuffer bytes = fileSystem instanceof RawLocalFileSystem local
                    ? map(local.pathToFile(file).toPath())
                    : fetch(fileSystem, file, (int) expected);
            verify(bytes, entry, format);
            return new Shard(
                    fileSystem,
                    file,
                    format,
                    fileSystem instanceof RawLocalFileSystem
                            ? new Content.Mapped(bytes)
                            : new Content.Fetched(new SoftReference<>(bytes)));
        } catch (DamagedShard e) {
            throw new UserError("shard " + file + " " + e.getMessage() + ": prepare the corpus again with --overwrite");
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /** Reads {@code count} tokens from number {@code from} of this shard. */
    void read(long from, int[] into, int at, int count) {
        int width = format.tokenWidth();
        long position = ShardFormat.HEADER_BYTES + from * width;
        ByteBuffer whole = content instanceof Content.Mapped mapped
                ? mapped.file()
                : ((Content.Fetched) content).file().get();
        if (whole != null) {
            format.get(whole, (int) position, into, at, count);
            return;
        }
        format.get(fetchPart(position, count * width), 0, into, at, count);
    }

    /** Some bytes of the remote file, which was verified when it was fetched whole. */
    ByteBuffer fetchPart(long position, int length) {
        byte[] bytes = new byte[length];
        try (FSDataInputStream in = fileSystem.open(file)) {
            in.readFully(position, bytes);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static ByteBuffer map(java.nio.file.Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()).order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    private static ByteBuffer fetch(FileSystem fileSystem, Path file, int length) throws IOException, DamagedShard {
        try (InputStream in = fileSystem.open(file)) {
            byte[] bytes = in.readNBytes(length);
            if (bytes.length != length) {
                throw new DamagedShard("is truncated", length + " bytes", bytes.length + " bytes");
            }
            return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    private static void verify(ByteBuffer file, ShardEntry entry, ShardFormat format) throws DamagedShard {
        byte[] header = new byte[ShardFormat.HEADER_BYTES];
        file.get(0, header);
        format.checkHeader(header, entry.tokens());
        int checked = file.limit() - ShardFormat.FOOTER_BYTES;
        CRC32C crc = new CRC32C();
        for (int from = 0; from < checked; from += CHUNK_BYTES) {
            crc.update(file.slice(from, Math.min(CHUNK_BYTES, checked - from)));
        }
        String found = ShardFormat.crcText((int) crc.getValue());
        String footer = ShardFormat.crcText(file.getInt(checked));
        if (!found.equals(footer)) {
            throw new DamagedShard("is damaged: CRC32C of its bytes", footer, found);
        }
        if (!footer.equals(entry.crc32c())) {
            throw new DamagedShard("is not the one the manifest lists: CRC32C", entry.crc32c(), footer);
        }
    }

    private static UserError unreadable(Path file, IOException cause) {
        String reason = cause instanceof EOFException ? "it ends too early" : String.valueOf(cause.getMessage());
        return new UserError("shard " + file + " cannot be read: " + reason, cause);
    }
}
