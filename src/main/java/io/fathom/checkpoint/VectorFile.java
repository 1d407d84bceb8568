package io.fathom.checkpoint;

import io.fathom.config.UserError;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;

/**
 * The format of flat float vectors on disk.
 *
 * <p>Header, big-endian: the 8 bytes {@code FATHOMVF}, int version = 1, int number of vectors, long floats of each.
 * Then the vectors one after the other, little-endian. Its length and CRC32C stand in the checkpoint's manifest.
 */
final class VectorFile {
    private static final long MAGIC = 0x464154484F4D5646L;
    private static final int VERSION = 1;
    private static final int HEADER_BYTES = 24;
    private static final int CHUNK_FLOATS = 1 << 16;

    private VectorFile() {}

    /** Writes {@code vectors}, all of one length, as file {@code name}. */
    static FileSum write(RunDirectory run, String name, float[]... vectors) {
        return write(
                run,
                name,
                vectors.length,
                vectors[0].length,
                (vector, from, values, length) -> System.arraycopy(vectors[vector], from, values, 0, length));
    }

    /** Writes {@code count} vectors of {@code size} floats as file {@code name}, asking for them piece by piece. */
    static FileSum write(RunDirectory run, String name, int count, int size, VectorPieces vectors) {
        CRC32C crc = new CRC32C();
        run.write(name, out -> {
            CheckedOutputStream checked = new CheckedOutputStream(out, crc);
            checked.write(ByteBuffer.allocate(HEADER_BYTES)
                    .putLong(MAGIC)
                    .putInt(VERSION)
                    .putInt(count)
                    .putLong(size)
                    .array());
            ByteBuffer chunk = ByteBuffer.allocate(Float.BYTES * CHUNK_FLOATS).order(ByteOrder.LITTLE_ENDIAN);
            float[] values = new float[Math.min(size, CHUNK_FLOATS)];
            for (int vector = 0; vector < count; vector++) {
                for (int from = 0; from < size; from += CHUNK_FLOATS) {
                    int length = Math.min(CHUNK_FLOATS, size - from);
                    vectors.piece(vector, from, values, length);
                    chunk.asFloatBuffer().put(values, 0, length);
                    checked.write(chunk.array(), 0, Float.BYTES * length);
                }
            }
        });
        return new FileSum((long) HEADER_BYTES + (long) Float.BYTES * size * count, crc.getValue());
    }

    /**
     * Reads a file of {@code count} vectors of {@code size} floats; throws {@link UserError} naming the file when it is
     * not that, or not what {@code sum} says was written.
     */
    static float[][] read(RunDirectory run, String name, int count, int size, FileSum sum) {
        float[][] vectors = new float[count][size];
        read(
                run,
                name,
                count,
                size,
                sum,
                (vector, from, values, length) -> System.arraycopy(values, 0, vectors[vector], from, length));
        return vectors;
    }

    /** The same, giving the vectors piece by piece; when it throws, nothing that it gave may be used. */
    static void read(RunDirectory run, String name, int count, int size, FileSum sum, VectorPieces vectors) {
        CRC32C crc = new CRC32C();
        String path = run.path(name);
        sum.checkLength(run, name);
        try (InputStream raw = run.open(name);
                DataInputStream in = new DataInputStream(new CheckedInputStream(raw, crc))) {
            checkHeader(in, path, count, size);
            float[] values = new float[Math.min(size, CHUNK_FLOATS)];
            byte[] chunk = new byte[Float.BYTES * CHUNK_FLOATS];
            ByteBuffer floats = ByteBuffer.wrap(chunk).order(ByteOrder.LITTLE_ENDIAN);
            for (int vector = 0; vector < count; vector++) {
                for (int from = 0; from < size; from += CHUNK_FLOATS) {
                    int length = Math.min(CHUNK_FLOATS, size - from);
                    in.readFully(chunk, 0, Float.BYTES * length);
                    floats.asFloatBuffer().get(values, 0, length);
                    vectors.piece(vector, from, values, length);
                }
            }
            sum.checkCrc(path, crc.getValue());
        } catch (EOFException e) {
            throw new UserError(path + ": ends too early; the file is truncated" + Checkpoint.REMEDY, e);
        } catch (IOException e) {
            throw new UserError(path + ": cannot read it: " + e.getMessage() + Checkpoint.REMEDY, e);
        }
    }

    private static void checkHeader(DataInputStream in, String path, int count, int size) throws IOException {
        long magic = in.readLong();
        if (magic != MAGIC) {
            throw new UserError(String.format(
                    "%s: starts with %016x, expected %016x: not a file of Fathom, or corrupt%s",
                    path, magic, MAGIC, Checkpoint.REMEDY));
        }
        int version = in.readInt();
        if (version != VERSION) {
            throw new UserError(path + ": format version " + version + ", this build reads version " + VERSION
                    + "; use the build that wrote it");
        }
        int vectors = in.readInt();
        long floats = in.readLong();
        if (vectors != count || floats != size) {
            throw new UserError(path + ": holds " + vectors + " x " + floats + " floats, expected " + count + " x "
                    + size + ": a checkpoint of another model; give the configuration it was trained with, or another"
                    + " --run");
        }
    }
}
