package io.fathom.graph.weights;

import java.nio.ByteBuffer;

/** Element types of safetensors files that Fathom reads; little-endian. */
public enum ElementType {
    F64(8, true) {
        @Override
        double read(ByteBuffer from) {
            return from.getDouble();
        }
    },
    F32(4, true) {
        @Override
        double read(ByteBuffer from) {
            return from.getFloat();
        }
    },
    F16(2, true) {
        @Override
        double read(ByteBuffer from) {
            int bits = from.getShort();
            int exponent = bits >> 10 & 0x1f;
            int mantissa = bits & 0x3ff;
            double magnitude = exponent == 0x1f
                    ? mantissa == 0 ? Double.POSITIVE_INFINITY : Double.NaN
                    : exponent == 0 ? mantissa * 0x1p-24 : (1024 + mantissa) * Math.scalb(1.0, exponent - 25);
            return bits < 0 ? -magnitude : magnitude;
        }
    },
    BF16(2, true) {
        @Override
        double read(ByteBuffer from) {
            return Float.intBitsToFloat(from.getShort() << 16);
        }
    },
    I64(8, false) {
        @Override
        double read(ByteBuffer from) {
            return from.getLong();
        }
    },
    I32(4, false) {
        @Override
        double read(ByteBuffer from) {
            return from.getInt();
        }
    },
    U8(1, false) {
        @Override
        double read(ByteBuffer from) {
            return from.get() & 0xff;
        }
    },
    BOOL(1, false) {
        @Override
        double read(ByteBuffer from) {
            return from.get() == 0 ? 0 : 1;
        }
    };

    private final int bytes;
    private final boolean real;

    ElementType(int bytes, boolean real) {
        this.bytes = bytes;
        this.real = real;
    }

    /** Bytes of an element. */
    public int bytes() {
        return bytes;
    }

    /** Whether it is a floating-point type. */
    public boolean real() {
        return real;
    }

    /** The next element; integers above 2^53 lose their last bits. */
    abstract double read(ByteBuffer from);
}
