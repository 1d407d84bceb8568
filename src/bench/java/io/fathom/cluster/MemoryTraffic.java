package io.fathom.cluster;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The memory traffic that a round's contract asks for, in vectors, and how long this machine's memory takes for it with
 * every processor at work: what a round would cost if it were nothing but reading and writing each vector as often as
 * it must.
 *
 * <p>For each worker 6: the broadcast parameters are read (checksum) and written to the session; afterwards the
 * session's and the broadcast ones are read (norms, encoding), the contribution is written, and read where it is
 * summed. Once for all 6: the mean is written and read, the parameters before it read, those after it written, read
 * again and written as bytes to send. Not counted: sums, which stay in cache, and what sockets and files do in the
 * kernel.
 */
final class MemoryTraffic {
    private static final int FLOATS = 1 << 24;

    private MemoryTraffic() {}

    /** Vectors that a round of {@code workers} reads and writes. */
    static int vectors(int workers) {
        return 6 * workers + 6;
    }

    /** How long reading and writing {@code bytes} in all takes, {@code times} times. */
    static List<Double> seconds(long bytes, int times) {
        int threads = Runtime.getRuntime().availableProcessors();
        float[][] from = new float[threads][FLOATS];
        float[][] to = new float[threads][FLOATS];
        Arrays.stream(from).forEach(each -> Arrays.fill(each, 1));
        Arrays.stream(to).forEach(each -> Arrays.fill(each, 2));
        List<Double> seconds = new ArrayList<>();
        for (int i = 0; i < times; i++) {
            long started = System.nanoTime();
            // A copy reads as many bytes as it writes.
            IntStream.range(0, threads)
                    .parallel()
                    .forEach(thread -> System.arraycopy(from[thread], 0, to[thread], 0, FLOATS));
            double copied = 2.0 * threads * Float.BYTES * FLOATS;
            seconds.add((System.nanoTime() - started) / 1e9 * bytes / copied);
        }
        return seconds;
    }
}
