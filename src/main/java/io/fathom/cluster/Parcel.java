package io.fathom.cluster;

import io.fathom.average.Floats;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * What a round's shuffle carries under a number: bytes behind their length, made when they are written, or which task
 * left them in this process's memory, see {@link Handover}.
 */
sealed interface Parcel {
    /** In place of a length. */
    int HANDED = -1;

    /** Writes the parcel of {@code number}. */
    void writeTo(int number, DataOutputStream out) throws IOException;

    /** A part that its task's {@link Emission} will make. A number alone, since Spark weighs all that it can reach. */
    record ToMake(long task) implements Parcel {
        @Override
        public void writeTo(int number, DataOutputStream out) throws IOException {
            Emission.write(task, number, out);
        }
    }

    /** Bytes that are there already. */
    record Made(byte[] bytes) implements Parcel {
        @Override
        public void writeTo(int number, DataOutputStream out) throws IOException {
            write(bytes, bytes.length, out);
        }
    }

    /** Writes the first {@code length} of {@code bytes} as a parcel. */
    static void write(byte[] bytes, int length, DataOutputStream out) throws IOException {
        out.writeInt(length);
        out.write(bytes, 0, length);
    }

    /** Writes that {@code task} left its bytes in memory. */
    static void writeHanded(long task, DataOutputStream out) throws IOException {
        out.writeInt(HANDED);
        out.writeLong(task);
    }

    /**
     * A parcel that came.
     *
     * @param bytes little-endian
     * @param stays whether they stay as they are until the round ends; otherwise until the next parcel is asked for
     */
    record Came(ByteBuffer bytes, boolean stays) {}

    /** Parcels of one round read one after the other, into the same memory where they travelled as bytes. */
    final class Reader {
        private final DataInputStream in;
        private final String round;
        private byte[] bytes = new byte[0];

        Reader(DataInputStream in, String round) {
            this.in = in;
            this.round = round;
        }

        /** The next parcel, that of {@code number}. */
        Came next(int number) throws IOException {
            int length = in.readInt();
            if (length == HANDED) {
                return new Came(handed(in.readLong(), number), true);
            }
            if (bytes.length < length) {
                bytes = new byte[length];
            }
            in.readFully(bytes, 0, length);
            return new Came(Floats.buffer(bytes).limit(length), false);
        }

        private ByteBuffer handed(long task, int number) {
            Handover handover = Handover.of(round);
            if (handover == null) {
                throw new IllegalStateException(
                        "the round in which task " + task + " left part " + number + " is over");
            }
            return handover.part(task, number);
        }
    }
}
