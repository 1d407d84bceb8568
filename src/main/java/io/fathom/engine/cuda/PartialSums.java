package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.*;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;

/**
 * Sums over rows that many blocks begin and one last launch ends: each block leaves a row of partial sums here, and
 * {@link #finish} adds them in block order into the gradient. One launch ends all of a program's sums, always in the
 * same order, without atomics.
 */
final class PartialSums {
    private static final int JOB_BYTES = 32;
    private static final int MOST_JOBS = 4096;
    /** Device bytes of the table of jobs. */
    static final long TABLE_BYTES = (long) MOST_JOBS * (JOB_BYTES + 4);

    private record Job(long partial, long out, int blocks, int stride, int columns, boolean accumulate) {}

    private final long table;
    private final long room;
    private final long roomBytes;
    private final List<Job> jobs = new ArrayList<>();
    private final Set<Long> targets = new HashSet<>();
    private long taken;

    /** Sums with a table of {@link #TABLE_BYTES} at {@code table} and {@code roomBytes} for partial rows. */
    PartialSums(long table, long room, long roomBytes) {
        this.table = table;
        this.room = room;
        this.roomBytes = roomBytes;
    }

    /** Address of room for {@code floats} partial sums, until {@link #reset}. */
    long take(long floats) {
        long at = room + taken;
        taken += (floats * 4 + 255) / 256 * 256;
        if (taken > roomBytes) {
            throw new IllegalStateException("partial sums need more than the planned " + roomBytes + " bytes");
        }
        return at;
    }

    /** Registers a sum of {@code blocks} rows of {@code columns} floats, {@code stride} apart, into {@code out}. */
    void add(long partial, long out, int blocks, int stride, int columns, boolean accumulate) {
        if (!targets.add(out) || jobs.size() == MOST_JOBS) {
            throw new IllegalStateException("one gradient is summed twice, or there are more than " + MOST_JOBS);
        }
        jobs.add(new Job(partial, out, blocks, stride, columns, accumulate));
    }

    /** Forgets all sums and their room. */
    void reset() {
        jobs.clear();
        targets.clear();
        taken = 0;
    }

    /** Copies the table of registered jobs to the device and waits for it; not while a graph is captured. */
    void upload(CUstream_st stream) {
        if (jobs.isEmpty()) {
            return;
        }
        ByteBuffer bytes = ByteBuffer.allocate((int) TABLE_BYTES).order(ByteOrder.nativeOrder());
        int start = 0;
        for (int i = 0; i < jobs.size(); i++) {
            Job job = jobs.get(i);
            bytes.position(i * JOB_BYTES);
            bytes.putLong(job.partial).putLong(job.out);
            bytes.putInt(job.blocks).putInt(job.stride).putInt(job.columns).putInt(job.accumulate ? 1 : 0);
            bytes.putInt(MOST_JOBS * JOB_BYTES + i * 4, start);
            start += blocks(job);
        }
        try (BytePointer copy = new BytePointer(bytes.array())) {
            Cuda.check(
                    cudaMemcpyAsync(Cuda.at(table), copy, TABLE_BYTES, cudaMemcpyHostToDevice, stream),
                    "table of sums");
            Cuda.check(cudaStreamSynchronize(stream), "table of sums");
        }
    }

    /** Enqueues the launch that ends all registered sums. */
    void finish(Kernels kernels, CUstream_st stream) {
        if (!jobs.isEmpty()) {
            int blocks = jobs.stream().mapToInt(PartialSums::blocks).sum();
            kernels.launch(stream, "finish_sums", blocks, 1, 256, 0, table, table + MOST_JOBS * JOB_BYTES, jobs.size());
        }
    }

    private static int blocks(Job job) {
        return (job.columns + 31) / 32;
    }
}
