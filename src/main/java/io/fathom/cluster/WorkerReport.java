package io.fathom.cluster;

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
 * @param means of its steps; all zero when it failed
 * @param bytes of its encoded parameters
 * @param failure why nothing of it can be used; empty when all went well
 */
record WorkerReport(int worker, StepMeans means, long bytes, String failure) {
    boolean failed() {
        return !failure.isEmpty();
    }

    byte[] toBytes() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeInt(worker);
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
            out.writeUTF(failure);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    static WorkerReport fromBytes(byte[] bytes) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            return new WorkerReport(
                    in.readInt(),
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
                    in.readUTF());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
