package io.fathom.cluster;

import io.fathom.average.Floats;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;

/** How the parts that a worker gives leave its task. */
interface Outlet {
    /** {@code length} bytes for the next part, little-endian, of use until that is sent. */
    ByteBuffer room(int length);

    /**
     * Sends the whole of {@code part}, which {@link #room} gave, under {@code number}.
     *
     * @param out the shuffle, after the number
     */
    void send(int number, ByteBuffer part, DataOutputStream out) throws IOException;

    /** Through the shuffle's files: each part is in the task's hands only while it is written. */
    final class ToShuffle implements Outlet {
        private byte[] bytes = new byte[0];

        @Override
        public ByteBuffer room(int length) {
            if (bytes.length < length) {
                bytes = new byte[length];
            }
            return Floats.buffer(bytes).limit(length);
        }

        @Override
        public void send(int number, ByteBuffer part, DataOutputStream out) throws IOException {
            Parcel.write(bytes, part.limit(), out);
        }
    }
}
