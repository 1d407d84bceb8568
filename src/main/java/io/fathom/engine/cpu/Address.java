package io.fathom.engine.cpu;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** A pointer that can be aimed at any address: BLAS takes pointers, and making a new one a call would be garbage. */
final class Address extends FloatPointer {
    Address() {
        super((Pointer) null);
    }

    /** Aims at {@code address}. */
    Address at(long address) {
        this.address = address;
        return this;
    }

    /** Aims at {@code length} floats from {@code address} on. */
    Address at(long address, long length) {
        this.address = address;
        this.limit = length;
        this.capacity = length;
        return this;
    }
}
