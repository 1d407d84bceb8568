package io.fathom.engine.cpu;

import java.nio.FloatBuffer;

/**
 * A run of floats outside the heap: BLAS takes its address, Java copies blocks of it in and out. Block copies cost
 * little, and loops over {@code float[]} are the ones that the JVM turns into vector code.
 */
final class Floats {
    private final long address;
    private final int length;
    private final FloatBuffer buffer;

    /** The {@code length} floats from {@code address} on; whoever took the memory frees it. */
    Floats(long address, int length) {
        this.address = address;
        this.length = length;
        this.buffer = new Address().at(address, length).asBuffer();
    }

    int length() {
        return length;
    }

    /** The {@code length} floats from element {@code from} on. */
    Floats part(int from, int length) {
        return new Floats(at(from), length);
    }

    /** The address of element {@code element}. */
    long at(long element) {
        return address + Float.BYTES * element;
    }

    boolean sharesPlaceWith(Floats other) {
        return address == other.address;
    }

    /** Copies {@code n} floats from element {@code from} on to the start of {@code to}. */
    void get(int from, float[] to, int n) {
        buffer.get(from, to, 0, n);
    }

    /** Copies {@code n} floats from element {@code from} on to {@code to[at..]}. */
    void get(int from, float[] to, int at, int n) {
        buffer.get(from, to, at, n);
    }

    /** Copies the first {@code n} of {@code values} to element {@code to} on. */
    void put(int to, float[] values, int n) {
        buffer.put(to, values, 0, n);
    }

    /** Copies {@code values[from..from+n)} to element {@code to} on. */
    void put(int to, float[] values, int from, int n) {
        buffer.put(to, values, from, n);
    }

    float get(int element) {
        return buffer.get(element);
    }

    void put(int element, float value) {
        buffer.put(element, value);
    }
}
