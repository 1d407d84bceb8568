package io.fathom.cluster;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import org.apache.spark.serializer.DeserializationStream;
import org.apache.spark.serializer.SerializationStream;
import org.apache.spark.serializer.Serializer;
import org.apache.spark.serializer.SerializerInstance;
import scala.reflect.ClassTag;

/**
 * How a round's shuffle becomes bytes: number, length, bytes. Spark's own serializers copy arrays through blocks of 1
 * KiB and read them so, one system call each; they also want every object whole before it is written.
 */
final class ParcelSerializer extends Serializer implements Serializable {
    private static final long serialVersionUID = 1L;

    private final String round;

    /** For the parcels of {@code round}. */
    ParcelSerializer(String round) {
        this.round = round;
    }

    @Override
    public SerializerInstance newInstance() {
        return new Instance(round);
    }

    private static final class Instance extends SerializerInstance {
        private final String round;

        Instance(String round) {
            this.round = round;
        }

        @Override
        public SerializationStream serializeStream(OutputStream out) {
            return new Writer(new DataOutputStream(out));
        }

        @Override
        public DeserializationStream deserializeStream(InputStream in) {
            return new Reader(new DataInputStream(in), round);
        }

        @Override
        public <T> ByteBuffer serialize(T value, ClassTag<T> type) {
            throw streamsOnly();
        }

        @Override
        public <T> T deserialize(ByteBuffer bytes, ClassTag<T> type) {
            throw streamsOnly();
        }

        @Override
        public <T> T deserialize(ByteBuffer bytes, ClassLoader loader, ClassTag<T> type) {
            throw streamsOnly();
        }
    }

    private static UnsupportedOperationException streamsOnly() {
        return new UnsupportedOperationException("parcels travel in the streams of a shuffle alone");
    }

    /** A key comes before its value, which is written under it. */
    private static final class Writer extends SerializationStream {
        private final DataOutputStream out;
        private int number;

        Writer(DataOutputStream out) {
            this.out = out;
        }

        @Override
        public <T> SerializationStream writeKey(T key, ClassTag<T> type) {
            number = (Integer) key;
            return this;
        }

        @Override
        public <T> SerializationStream writeValue(T value, ClassTag<T> type) {
            try {
                out.writeInt(number);
                ((Parcel) value).writeTo(number, out);
                return this;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public <T> SerializationStream writeObject(T value, ClassTag<T> type) {
            throw streamsOnly();
        }

        @Override
        public void flush() {
            try {
                out.flush();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() {
            try {
                out.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Spark takes an {@link java.io.EOFException} where a key should begin for the end. */
    private static final class Reader extends DeserializationStream {
        private final DataInputStream in;
        private final Parcel.Reader parcels;
        private int number;

        Reader(DataInputStream in, String round) {
            this.in = in;
            this.parcels = new Parcel.Reader(in, round);
        }

        @Override
        @SuppressWarnings("unchecked") // the shuffle's own types
        public <T> T readKey(ClassTag<T> type) {
            try {
                number = in.readInt();
                return (T) (Integer) number;
            } catch (IOException e) {
                throw sneaky(e);
            }
        }

        @Override
        @SuppressWarnings("unchecked") // the shuffle's own types
        public <T> T readValue(ClassTag<T> type) {
            try {
                return (T) parcels.next(number);
            } catch (IOException e) {
                throw sneaky(e);
            }
        }

        @Override
        public <T> T readObject(ClassTag<T> type) {
            throw streamsOnly();
        }

        @Override
        public void close() {
            try {
                in.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Throws {@code e} itself, which Spark waits for and Scala does not declare. */
        @SuppressWarnings("unchecked") // erased: the cast does nothing
        private static <E extends Throwable> RuntimeException sneaky(Throwable e) throws E {
            throw (E) e;
        }
    }
}
