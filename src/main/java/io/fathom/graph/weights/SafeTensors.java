package io.fathom.graph.weights;

import io.fathom.config.UserError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.function.DoubleConsumer;

/**
 * A safetensors file: 8 bytes of header length (little-endian), a JSON header, then the tensors one after the other.
 *
 * <p>The header is checked whole before any tensor is read: see {@link SafeTensorsHeader}. Not thread-safe.
 */
public final class SafeTensors implements AutoCloseable {
    private static final int CHUNK = 1 << 20;

    private final ByteSource source;
    private final SafeTensorsHeader header;

    private SafeTensors(ByteSource source, SafeTensorsHeader header) {
        this.source = source;
        this.header = header;
    }

    /** Opens {@code source} and owns it; throws {@link UserError} with the reason when it is not a sound file. */
    public static SafeTensors open(ByteSource source) {
        try {
            return new SafeTensors(source, SafeTensorsHeader.read(source));
        } catch (IOException e) {
            closed(source);
            throw unreadable(source, e);
        } catch (RuntimeException e) {
            closed(source);
            throw e;
        }
    }

    private static UserError unreadable(ByteSource source, IOException e) {
        return new UserError(source.name() + ": cannot be read: " + e.getMessage(), e);
    }

    private static void closed(ByteSource source) {
        try {
            source.close();
        } catch (IOException e) {
            // The caller hears why the file was refused; that it did not close either would not help them.
            return;
        }
    }

    /** What messages call the file. */
    public String name() {
        return source.name();
    }

    /** The tensors by name, in the order of their bytes. */
    public Map<String, StoredTensor> tensors() {
        return header.tensors();
    }

    /** Free text of the header. */
    public Map<String, String> metadata() {
        return header.metadata();
    }

    /** Whether the file has a tensor of this name. */
    public boolean contains(String name) {
        return header.tensors().containsKey(name);
    }

    /** The tensor {@code name}; throws {@link UserError} where the file has none. */
    public StoredTensor tensor(String name) {
        StoredTensor tensor = header.tensors().get(name);
        if (tensor == null) {
            throw new UserError(name() + ": has no tensor " + name);
        }
        return tensor;
    }

    /**
     * The elements of {@code name} as floats, F64 rounded; throws {@link UserError} where it is no floating-point
     * tensor or an element is not finite.
     */
    public float[] floats(String name) {
        int[] next = {0};
        float[] values = new float[realLength(name)];
        each(tensor(name), v -> {
            float value = (float) v;
            if (!Float.isFinite(value)) {
                throw new UserError(name() + ": " + name + "[" + next[0] + "] is " + v
                        + ", weights must be finite numbers; the checkpoint is damaged or its training had failed");
            }
            values[next[0]++] = value;
        });
        return values;
    }

    /** The elements of {@code name} as doubles, not checked; throws {@link UserError} where it is an integer tensor. */
    public double[] doubles(String name) {
        double[] values = new double[realLength(name)];
        fill(name, values);
        return values;
    }

    /** The elements of the integer tensor {@code name}; throws {@link UserError} where it is not or exceeds an int. */
    public int[] integers(String name) {
        StoredTensor tensor = tensor(name);
        if (tensor.type().real()) {
            throw new UserError(name() + ": " + name + " is " + tensor.type() + ", expected integers");
        }
        double[] values = new double[length(tensor)];
        fill(name, values);
        int[] integers = new int[values.length];
        for (int i = 0; i < values.length; i++) {
            integers[i] = (int) values[i];
            if (integers[i] != values[i]) {
                throw new UserError(name() + ": " + name + "[" + i + "] is above what an int holds");
            }
        }
        return integers;
    }

    private void fill(String name, double[] values) {
        int[] next = {0};
        each(tensor(name), v -> values[next[0]++] = v);
    }

    private int realLength(String name) {
        StoredTensor tensor = tensor(name);
        if (!tensor.type().real()) {
            throw new UserError(name() + ": " + name + " is " + tensor.type() + ", expected F64, F32, F16 or BF16");
        }
        return length(tensor);
    }

    private int length(StoredTensor tensor) {
        if (tensor.elements() > Integer.MAX_VALUE - 8) {
            throw new UserError(name() + ": " + tensor.name() + " has " + tensor.elements()
                    + " elements, more than the 2^31 one tensor may have here");
        }
        return (int) tensor.elements();
    }

    private void each(StoredTensor tensor, DoubleConsumer consumer) {
        long end = tensor.begin() + tensor.bytes();
        for (long at = tensor.begin(); at < end; ) {
            byte[] chunk = new byte[(int) Math.min(CHUNK, end - at)];
            try {
                source.read(at, chunk);
            } catch (IOException e) {
                throw unreadable(source, e);
            }
            ByteBuffer buffer = ByteBuffer.wrap(chunk).order(ByteOrder.LITTLE_ENDIAN);
            while (buffer.hasRemaining()) {
                consumer.accept(tensor.type().read(buffer));
            }
            at += chunk.length;
        }
    }

    @Override
    public void close() {
        closed(source);
    }
}
