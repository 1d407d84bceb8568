package io.fathom.cluster;

import io.fathom.average.Floats;
import io.fathom.average.Slices;
import io.fathom.config.TrainConfig.InnerMoments;
import io.fathom.engine.Session;
import io.fathom.engine.Session.Vector;
import io.fathom.train.Moments;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/**
 * Parameters, and moments where workers share them, on their way from the driver to the workers: bytes, sent once to
 * each executor, with a checksum for each slice that every worker compares with what it received. Bytes, since Spark
 * copies those but turns floats into bytes one by one; many small broadcasts, since Spark holds one while it is made
 * whole, and can put small ones to disk where memory is short.
 */
final class Replica implements Serializable {
    private static final long serialVersionUID = 1L;

    /** The vectors in the order in which they travel. */
    static final List<Vector> VECTORS = List.of(Vector.PARAMETERS, Vector.FIRST_MOMENT, Vector.SECOND_MOMENT);

    /** With slices of 256 KiB just below {@code spark.broadcast.blockSize}, so that a broadcast is one block. */
    private static final int SLICES_OF_BROADCAST = 15;

    /** Broadcasts that are fetched while one is worked on: Spark asks for a block and waits for it. */
    private static final int AHEAD = 2;

    private final List<Broadcast<byte[]>> sent;
    private final int[] checksums;
    private final int size;
    private final int sliceFloats;

    private Replica(List<Broadcast<byte[]>> sent, int[] checksums, Slices slices) {
        this.sent = new ArrayList<>(sent);
        this.checksums = checksums;
        this.size = slices.size();
        this.sliceFloats = slices.sliceFloats();
    }

    /** Sends {@code theta}, and {@code moments} if there are any. */
    static Replica of(JavaSparkContext spark, float[] theta, Optional<Moments> moments, Slices slices) {
        List<float[]> vectors =
                moments.map(m -> List.of(theta, m.first(), m.second())).orElse(List.of(theta));
        int[] checksums = new int[vectors.size() * slices.count()];
        int broadcasts = broadcasts(slices);
        List<Broadcast<byte[]>> sent = IntStream.range(0, vectors.size() * broadcasts)
                .parallel()
                .mapToObj(number -> {
                    int vector = number / broadcasts;
                    int first = number % broadcasts * SLICES_OF_BROADCAST;
                    int end = Math.min(slices.count(), first + SLICES_OF_BROADCAST);
                    byte[] bytes = Floats.toBytes(vectors.get(vector), slices.from(first), slices.to(end - 1));
                    for (int slice = first; slice < end; slice++) {
                        checksums[vector * slices.count() + slice] =
                                Floats.crc32c(bytes, at(slice, slices), Float.BYTES * slices.length(slice));
                    }
                    return spark.broadcast(bytes);
                })
                .toList();
        return new Replica(sent, checksums, slices);
    }

    private static int broadcasts(Slices slices) {
        return (slices.count() + SLICES_OF_BROADCAST - 1) / SLICES_OF_BROADCAST;
    }

    /** First byte of a slice in its broadcast. */
    private static int at(int slice, Slices slices) {
        return Float.BYTES * slices.sliceFloats() * (slice % SLICES_OF_BROADCAST);
    }

    /** How many of {@link #VECTORS} go up and down in a round: all where workers share their moments. */
    static int vectors(InnerMoments moments) {
        return moments == InnerMoments.AVERAGE ? VECTORS.size() : 1;
    }

    Slices slices() {
        return new Slices(size, sliceFloats);
    }

    boolean holdsMoments() {
        return checksums.length > slices().count();
    }

    /** Copies slice {@code slice} of the parameters to the beginning of {@code values}. */
    void read(int slice, float[] values) {
        read(slice, sent.get(slice / SLICES_OF_BROADCAST).value(), values);
    }

    private void read(int slice, byte[] bytes, float[] values) {
        Slices slices = slices();
        ByteBuffer from = Floats.buffer(bytes).position(at(slice, slices));
        Floats.get(from, values, slices.length(slice));
    }

    /**
     * Copies everything into {@code session}; throws {@link IllegalStateException} when it is not what the driver sent.
     */
    void writeTo(Session session) {
        float[] values = new float[slices().length(0)];
        Deque<CompletableFuture<byte[]>> coming = new ArrayDeque<>();
        for (int number = 0; number < sent.size(); number++) {
            while (coming.size() <= AHEAD && number + coming.size() < sent.size()) {
                coming.add(CompletableFuture.supplyAsync(sent.get(number + coming.size())::value));
            }
            write(number, coming.remove().join(), values, session);
        }
    }

    private void write(int number, byte[] bytes, float[] values, Session session) {
        Slices slices = slices();
        int vector = number / broadcasts(slices);
        int first = number % broadcasts(slices) * SLICES_OF_BROADCAST;
        int end = Math.min(slices.count(), first + SLICES_OF_BROADCAST);
        for (int slice = first; slice < end; slice++) {
            int part = vector * slices.count() + slice;
            int found = Floats.crc32c(bytes, at(slice, slices), Float.BYTES * slices.length(slice));
            if (found != checksums[part]) {
                throw new IllegalStateException(String.format(
                        "part %d of the parameters arrived with CRC32C %08x, the driver sent %08x: the replica is"
                                + " corrupt",
                        part, found, checksums[part]));
            }
            read(slice, bytes, values);
            session.write(VECTORS.get(vector), slices.from(slice), values, slices.length(slice));
        }
    }

    /** Drops the copies of executors; the driver keeps its own, from which they are fetched again when needed. */
    void leaveExecutors() {
        sent.forEach(Broadcast::unpersist);
    }

    /** Drops every copy. */
    void destroy() {
        sent.forEach(Broadcast::destroy);
    }
}
