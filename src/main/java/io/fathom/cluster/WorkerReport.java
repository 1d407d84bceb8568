package io.fathom.cluster;

import io.fathom.average.ChangeNorms;
import io.fathom.train.StepMeans;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * What a worker says of its round.
 *
 * @param worker from 0
 * @param steps made since the run began
 * @param means of its steps; all zero when it failed
 * @param bytes of its encoded parameters
 * @param changes how far it moved and what encoding lost
 * @param executor names the process that trained it
 * @param failure why nothing of it can be used; empty when all went well
 */
record WorkerReport(
        int worker, long steps, StepMeans means, long bytes, ChangeNorms changes, String executor, String failure) {
    boolean failed() {
        return !failure.isEmpty();
    }

    byte[] toBytes() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeInt(worker);
            out.writeLong(steps);
            out.writeInt(means.steps());
            out.writeLong(means.tokens());
            out.writeDouble(means.loss());
            out.writeDouble(means.ce());
            out.writeDouble(means.aux());
            out.writeDouble(means.pred());
            out.writeDouble(means.gradientNorm());
            out.writeDouble(means.learningRate());
            out.writeDouble(means.seconds());
            out.writeLong(this.bytes);
            write(changes.squaredChanges(), out);
            write(changes.squaredErrors(), out);
            out.writeUTF(executor);
            // UTF-8 strings of DataOutput end at 64 KiB; a message is for one line.
            out.writeUTF(failure.length() <= 8000 ? failure : failure.substring(0, 8000));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    static WorkerReport fromBytes(byte[] bytes) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            return new WorkerReport(
                    in.readInt(),
                    in.readLong(),
                    new StepMeans(
                            in.readInt(),
                            in.readLong(),
                            in.readDouble(),
                            in.readDouble(),
                            in.readDouble(),
                            in.readDouble(),
                            in.readDouble(),
                            in.readDouble(),
                            in.readDouble()),
                    in.readLong(),
                    new ChangeNorms(read(in), read(in)),
                    in.readUTF(),
                    in.readUTF());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void write(double[] values, DataOutputStream out) throws IOException {
        out.writeInt(values.length);
        for (double value : values) {
            out.writeDouble(value);
        }
    }

    private static double[] read(DataInputStream in) throws IOException {
        double[] values = new double[in.readInt()];
        for (int i = 0; i < values.length; i++) {
            values[i] = in.readDouble();
        }
        return values;
    }
}
