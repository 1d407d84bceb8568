package io.fathom.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fathom.average.Floats;
import io.fathom.average.Slices;
import io.fathom.engine.Engines;
import io.fathom.engine.Session;
import io.fathom.engine.SessionOptions;
import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Routing;
import io.fathom.program.Programs;
import io.fathom.train.Moments;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;

/** What a worker receives is what the driver sent, or it says so. */
class ReplicaTest {
    private static final ModelSpec SPEC = new ModelSpec(61, 16, 24, 3, 2, new Routing.Dense());
    private static final int SIZE = ParameterLayout.of(SPEC).size();

    /** More slices than go into one broadcast, the last one short. */
    private static final Slices SLICES = new Slices(SIZE, 480);

    private final float[] theta = ParameterLayout.of(SPEC).initial(SPEC, 3);

    @Test
    void everySliceOfEveryVectorArrives() throws Exception {
        assertThat(SLICES.count()).isGreaterThan(15);
        float[] first = ParameterLayout.of(SPEC).initial(SPEC, 4);
        float[] second = ParameterLayout.of(SPEC).initial(SPEC, 5);
        try (JavaSparkContext spark = TinyRun.spark("local[1]");
                Session session = open()) {
            Replica sent = Replica.of(spark, theta, Optional.of(new Moments(first, second)), SLICES);
            received(bytes(sent)).writeTo(session);
            assertThat(read(session, Session.Vector.PARAMETERS)).isEqualTo(theta);
            assertThat(read(session, Session.Vector.FIRST_MOMENT)).isEqualTo(first);
            assertThat(read(session, Session.Vector.SECOND_MOMENT)).isEqualTo(second);
            sent.destroy();
        }
    }

    /** A worker compares checksums of what it has with those that came with it: here one of those is changed. */
    @Test
    void whatDiffersByABitIsRefused() throws Exception {
        for (int slice : new int[] {0, 16, SLICES.count() - 1}) {
            byte[] values = Floats.toBytes(theta, SLICES.from(slice), SLICES.to(slice));
            int checksum = Floats.crc32c(values, 0, values.length);
            try (JavaSparkContext spark = TinyRun.spark("local[1]");
                    Session session = open()) {
                byte[] sent = bytes(Replica.of(spark, theta, Optional.empty(), SLICES));
                sent[find(sent, checksum)] ^= 1;
                Replica changed = received(sent);
                assertThatThrownBy(() -> changed.writeTo(session))
                        .hasMessageContaining("part " + slice + " of the parameters arrived with CRC32C "
                                + String.format("%08x", checksum))
                        .hasMessageContaining("the replica is corrupt");
            }
        }
    }

    private static Session open() {
        return Engines.named("cpu").open(Programs.training(SPEC, 1), SessionOptions.DEFAULT);
    }

    private static float[] read(Session session, Session.Vector vector) {
        float[] values = new float[SIZE];
        session.read(vector, values);
        return values;
    }

    private static byte[] bytes(Replica replica) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(replica);
        }
        return bytes.toByteArray();
    }

    private static Replica received(byte[] sent) throws IOException, ClassNotFoundException {
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(sent))) {
            return (Replica) in.readObject();
        }
    }

    /** Where the only such number stands. */
    private static int find(byte[] bytes, int number) {
        int found = -1;
        for (int at = 0; at + Integer.BYTES <= bytes.length; at++) {
            if (ByteBuffer.wrap(bytes).getInt(at) == number) {
                assertThat(found).isNegative();
                found = at;
            }
        }
        assertThat(found).isNotNegative();
        return found;
    }
}
