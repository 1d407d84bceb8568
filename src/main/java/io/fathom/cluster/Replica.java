package io.fathom.cluster;

import io.fathom.average.Floats;
import io.fathom.average.Slices;
import io.fathom.engine.Session;
import java.io.Serializable;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/**
 * Parameters on their way from the driver to the workers: slices of bytes, sent once to each executor, each with a
 * checksum that every worker compares with what it received. Bytes, since Spark copies those but turns floats into
 * bytes one by one.
 */
final class Replica implements Serializable {
    private static final long serialVersionUID = 1L;

    private final Broadcast<byte[][]> sent;
    private final int[] checksums;
    private final int size;
    private final int sliceFloats;

    private Replica(Broadcast<byte[][]> sent, int[] checksums, Slices slices) {
        this.sent = sent;
        this.checksums = checksums;
        this.size = slices.size();
        this.sliceFloats = slices.sliceFloats();
    }

    /** Sends {@code theta}. */
    static Replica of(JavaSparkContext spark, float[] theta, Slices slices) {
        byte[][] bytes = new byte[slices.count()][];
        int[] checksums = new int[slices.count()];
        IntStream.range(0, bytes.length).parallel().forEach(slice -> {
            bytes[slice] = Floats.toBytes(theta, slices.from(slice), slices.to(slice));
            checksums[slice] = Floats.crc32c(bytes[slice]);
        });
        return new Replica(spark.broadcast(bytes), checksums, slices);
    }

    Slices slices() {
        return new Slices(size, sliceFloats);
    }

    /** Copies slice {@code slice} to the beginning of {@code values}. */
    void read(int slice, float[] values) {
        Floats.get(Floats.buffer(sent.value()[slice]), values, slices().length(slice));
    }

    /**
     * Copies the parameters into {@code session}; throws {@link IllegalStateException} when they are not those that the
     * driver sent.
     */
    void writeTo(Session session) {
        Slices slices = slices();
        float[] values = new float[Math.min(size, sliceFloats)];
        for (int slice = 0; slice < slices.count(); slice++) {
            int found = Floats.crc32c(sent.value()[slice]);
            if (found != checksums[slice]) {
                throw new IllegalStateException(String.format(
                        "slice %d of the parameters arrived with CRC32C %08x, the driver sent %08x: the replica is"
                                + " corrupt",
                        slice, found, checksums[slice]));
            }
            read(slice, values);
            session.write(Session.Vector.PARAMETERS, slices.from(slice), values, slices.length(slice));
        }
    }

    /** Drops the copies of executors; the driver keeps its own, from which they are fetched again when needed. */
    void leaveExecutors() {
        sent.unpersist();
    }

    /** Drops every copy. */
    void destroy() {
        sent.destroy();
    }
}
