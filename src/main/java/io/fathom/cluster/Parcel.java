package io.fathom.cluster;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What a round's shuffle carries under a number: bytes behind their length, made when they are written. */
sealed interface Parcel {

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
            write(bytes, out);
        }
    }

    /** Writes {@code bytes} as a parcel. */
    static void write(byte[] bytes, DataOutputStream out) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    /** Parcels read one after the other into the same memory. */
    final class Reader {
        private final DataInputStream in;
        private byte[] bytes = new byte[0];

        Reader(DataInputStream in) {
            this.in = in;
        }

        /** The next parcel, little-endian; of use until the next one is asked for. */
        ByteBuffer next() throws IOException {
            int length = in.readInt();
            if (bytes.length < length) {
                bytes = new byte[length];
            }
            in.readFully(bytes, 0, length);
            return ByteBuffer.wrap(bytes, 0, length).order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}
