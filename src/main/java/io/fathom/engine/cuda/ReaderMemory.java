package io.fathom.engine.cuda;

import io.fathom.engine.TokenReader;
import java.util.Arrays;

/**
 * Keys and values of one sequence on the device: for each block room for those of a whole context, since any token may
 * be routed to it.
 */
final class ReaderMemory implements TokenReader.Memory {
    private final CudaReader reader;
    private final long address;
    private final int[] entered;
    private int length;
    private boolean closed;

    ReaderMemory(CudaReader reader, long address, int routedBlocks) {
        this.reader = reader;
        this.address = address;
        this.entered = new int[routedBlocks];
    }

    /** Whose it is. */
    CudaReader reader() {
        return reader;
    }

    /** Of the keys of block 0. */
    long address() {
        if (closed) {
            throw new IllegalStateException("the sequence is closed");
        }
        return address;
    }

    /** Tokens read. */
    int length() {
        return length;
    }

    /** Tokens that entered routed block number {@code index}. */
    int entered(int index) {
        return entered[index];
    }

    /** Notes the next token. */
    void append() {
        length++;
    }

    /** Notes that the last token entered routed block number {@code index}. */
    void enter(int index) {
        entered[index]++;
    }

    /** Begins anew. */
    void forget() {
        length = 0;
        Arrays.fill(entered, 0);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            reader.release(address);
        }
    }
}
