package io.fathom.cluster;

import io.fathom.average.Floats;
import io.fathom.average.Slices;
import io.fathom.engine.Session;
import io.fathom.engine.Session.Vector;
import io.fathom.train.Moments;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/**
 * Parameters, and moments where workers share them, on their way from the driver to the workers: slices of bytes, sent
 * once to each executor, each with a checksum that every worker compares with what it received. Bytes, since Spark
 * copies those but turns floats into bytes one by one.
 */
final class Replica implements Serializable {
    private static final long serialVersionUID = 1L;

    /** The vectors in the order in which they travel. */
    static final List<Vector> VECTORS = List.of(Vector.PARAMETERS, Vector.FIRST_MOMENT, Vector.SECOND_MOMENT);

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

    /** Sends {@code theta}, and {@code moments} if there are any. */
    static Replica of(JavaSparkContext spark, float[] theta, Optional<Moments> moments, Slices slices) {
        List<float[]> vectors =
                moments.map(m -> List.of(theta, m.first(), m.second())).orElse(List.of(theta));
        byte[][] bytes = new byte[vectors.size() * slices.count()][];
        int[] checksums = new int[bytes.length];
        IntStream.range(0, bytes.length).parallel().forEach(part -> {
            int slice = part % slices.count();
            bytes[part] = Floats.toBytes(vectors.get(part / slices.count()), slices.from(slice), slices.to(slice));
            checksums[part] = Floats.crc32c(bytes[part]);
        });
        return new Replica(spark.broadcast(bytes), checksums, slices);
    }

    Slices slices() {
        return new Slices(size, sliceFloats);
    }

    boolean holdsMoments() {
        return checksums.length > slices().count();
    }

    /** Copies slice {@code slice} of the parameters to the beginning of {@code values}. */
    void read(int slice, float[] values) {
        Floats.get(Floats.buffer(sent.value()[slice]), values, slices().length(slice));
    }

    /**
     * Copies everything into {@code session}; throws {@link IllegalStateException} when it is not what the driver sent.
     */
    void writeTo(Session session) {
        Slices slices = slices();
        float[] values = new float[slices.length(0)];
        for (int part = 0; part < checksums.length; part++) {
            byte[] bytes = sent.value()[part];
            int found = Floats.crc32c(bytes);
            if (found != checksums[part]) {
                throw new IllegalStateException(String.format(
                        "part %d of the parameters arrived with CRC32C %08x, the driver sent %08x: the replica is"
                                + " corrupt",
                        part, found, checksums[part]));
            }
            int slice = part % slices.count();
            Floats.get(Floats.buffer(bytes), values, slices.length(slice));
            session.write(VECTORS.get(part / slices.count()), slices.from(slice), values, slices.length(slice));
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
