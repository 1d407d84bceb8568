package io.fathom.engine.cpu;

/** A matrix in memory: its first element's address and the floats between two rows and two columns. */
record Panel(long address, int rows, int columns, long rowStride, long columnStride) {
    /** {@code rows} x {@code columns} from {@code element} of {@code floats} on, row-major. */
    static Panel of(Floats floats, long element, int rows, int columns, int stride) {
        return new Panel(floats.at(element), rows, columns, stride, 1);
    }

    Panel transposed() {
        return new Panel(address, columns, rows, columnStride, rowStride);
    }
}
