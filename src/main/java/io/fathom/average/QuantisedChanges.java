package io.fathom.average;

import io.fathom.model.ModelSpec;
import io.fathom.model.ParameterLayout;
import io.fathom.model.Tensor;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The worker's changes after - before in fewer bits, tensor by tensor: matrices quantised, routers, predictors, norms
 * and biases as fp32. Little-endian, padding left out.
 */
public final class QuantisedChanges implements SliceCodec {
    private static final long serialVersionUID = 1L;

    /** Changes that share one scale in {@link Width#INT8}. */
    static final int BLOCK = 2048;

    /** How matrices travel. */
    public enum Width {
        /** 2 bytes a change: the upper half of its fp32, rounded to nearest, ties to even. */
        BF16,
        /**
         * 1 byte a change: q = round(127 change / a) with ties to even, a the largest magnitude of its block of 2048,
         * sent as fp32; decoded as q a / 127.
         */
        INT8
    }

    private final ModelSpec spec;
    private final Width width;
    private transient @Nullable ParameterLayout layout;

    public QuantisedChanges(ModelSpec spec, Width width) {
        this.spec = spec;
        this.width = width;
    }

    private ParameterLayout layout() {
        ParameterLayout known = layout;
        if (known == null) {
            known = ParameterLayout.of(spec);
            layout = known;
        }
        return known;
    }

    @Override
    public boolean relative() {
        return true;
    }

    @Override
    public int bytes(int from, int to) {
        long bytes = 0;
        for (Tensor tensor : layout().tensors(from, to)) {
            int length = Math.min(to, tensor.offset() + tensor.length()) - Math.max(from, tensor.offset());
            if (length > 0) {
                bytes += !TensorGroup.of(tensor).quantised()
                        ? (long) Float.BYTES * length
                        : width == Width.BF16
                                ? (long) Short.BYTES * length
                                : length + (long) Float.BYTES * ((length + BLOCK - 1) / BLOCK);
            }
        }
        return Math.toIntExact(bytes);
    }

    @Override
    public void encode(float[] before, float[] after, int from, int to, ByteBuffer out) {
        for (Tensor tensor : layout().tensors(from, to)) {
            int first = Math.max(from, tensor.offset()) - from;
            int end = Math.min(to, tensor.offset() + tensor.length()) - from;
            if (first >= end) {
                continue;
            }
            if (!TensorGroup.of(tensor).quantised()) {
                for (int i = first; i < end; i++) {
                    out.putFloat(after[i] - before[i]);
                }
            } else if (width == Width.BF16) {
                for (int i = first; i < end; i++) {
                    out.putShort(toBfloat16(after[i] - before[i]));
                }
            } else {
                for (int i = first; i < end; i += BLOCK) {
                    encodeBlock(before, after, i, Math.min(end, i + BLOCK), out);
                }
            }
        }
    }

    private static void encodeBlock(float[] before, float[] after, int first, int end, ByteBuffer out) {
        float largest = 0;
        for (int i = first; i < end; i++) {
            largest = Math.max(largest, Math.abs(after[i] - before[i]));
        }
        out.putFloat(largest);
        double scale = largest == 0 ? 0 : 127.0 / largest;
        for (int i = first; i < end; i++) {
            out.put((byte) Math.rint(((double) after[i] - before[i]) * scale));
        }
    }

    @Override
    public void decode(ByteBuffer in, int from, int to, float[] changes) {
        Arrays.fill(changes, 0, to - from, 0);
        for (Tensor tensor : layout().tensors(from, to)) {
            int first = Math.max(from, tensor.offset()) - from;
            int end = Math.min(to, tensor.offset() + tensor.length()) - from;
            if (first >= end) {
                continue;
            }
            if (!TensorGroup.of(tensor).quantised()) {
                for (int i = first; i < end; i++) {
                    changes[i] = in.getFloat();
                }
            } else if (width == Width.BF16) {
                for (int i = first; i < end; i++) {
                    changes[i] = Float.intBitsToFloat(in.getShort() << 16);
                }
            } else {
                for (int i = first; i < end; i += BLOCK) {
                    decodeBlock(in, changes, i, Math.min(end, i + BLOCK));
                }
            }
        }
    }

    private static void decodeBlock(ByteBuffer in, float[] changes, int first, int end) {
        double scale = in.getFloat() / 127.0;
        for (int i = first; i < end; i++) {
            changes[i] = (float) (in.get() * scale);
        }
    }

    /** The upper half of a finite float, rounded to nearest, ties to even; overflows to infinity as IEEE does. */
    static short toBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }
}
