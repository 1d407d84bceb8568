package io.fathom.cluster;

import io.fathom.average.Contribution;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Memory of this process, outside of its heap, in which workers leave their parts of one round for the tasks that sum
 * them; the shuffle then carries only where they lie. For local mode, where all tasks share a process: there the files
 * of a shuffle are two copies of every part that nobody needs. Parts beyond the limit travel in the files.
 */
final class Handover implements AutoCloseable {
    private static final Map<String, Handover> OPEN = new ConcurrentHashMap<>();

    /** A part, as the attempt that made it knows it: another attempt's parts are not mixed with these. */
    private record Key(long task, int number) {}

    private final String round;
    private final Memory memory;
    private final Map<Key, ByteBuffer> parts = new ConcurrentHashMap<>();

    /** Chunks that all rounds of a run use in turn, since new memory costs a page fault every 4 KiB. */
    static final class Memory {
        private static final int SLICES = 4;
        /** Bytes of a chunk, of which each worker fills some. */
        static final int CHUNK = SLICES * Contribution.bytes(Float.BYTES * Rounds.SLICE_FLOATS);

        private final Deque<ByteBuffer> idle = new ConcurrentLinkedDeque<>();
        private final Deque<ByteBuffer> lent = new ConcurrentLinkedDeque<>();
        private final long limit;
        private final AtomicLong left;

        /** Memory that grows to {@code bytes}. */
        Memory(long bytes) {
            this.limit = bytes;
            this.left = new AtomicLong(bytes);
        }

        /** Whether {@code workers} that leave {@code parts} slices each stay within the limit. */
        boolean holds(int workers, int parts) {
            return (long) workers * ((parts + SLICES - 1) / SLICES) * CHUNK <= limit;
        }

        /** An empty chunk; null where there is none within the limit. */
        private @Nullable ByteBuffer take() {
            ByteBuffer chunk = idle.poll();
            if (chunk == null) {
                if (left.addAndGet(-CHUNK) < 0) {
                    left.addAndGet(CHUNK);
                    return null;
                }
                try {
                    chunk = ByteBuffer.allocateDirect(CHUNK);
                } catch (OutOfMemoryError e) { // a low -XX:MaxDirectMemorySize, or others have it
                    left.set(0);
                    return null;
                }
            }
            lent.add(chunk);
            return chunk.clear();
        }

        /** Nobody reads or writes what was lent. */
        private void reuse() {
            List<ByteBuffer> back = new ArrayList<>(lent);
            lent.clear();
            idle.addAll(back);
        }
    }

    private Handover(String round, Memory memory) {
        this.round = round;
        this.memory = memory;
    }

    /** For the tasks of {@code round}, which is open in this process until the handover is closed. */
    static Handover open(String round, Memory memory) {
        Handover handover = new Handover(round, memory);
        OPEN.put(round, handover);
        return handover;
    }

    /** That of {@code round}; null in a process other than the driver's. */
    static @Nullable Handover of(String round) {
        return OPEN.get(round);
    }

    /** What the attempt {@code task} left under {@code number}, little-endian; stays as it is until the round ends. */
    ByteBuffer part(long task, int number) {
        ByteBuffer part = parts.get(new Key(task, number));
        if (part == null) {
            throw new IllegalStateException("task " + task + " left no part " + number);
        }
        return part.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Where the attempt {@code task}, a single thread, leaves its parts. */
    Outlet outlet(long task) {
        return new ToMemory(task);
    }

    private final class ToMemory implements Outlet {
        private final long task;
        private final Outlet beyond = new Outlet.ToShuffle();
        private ByteBuffer chunk = ByteBuffer.allocate(0);

        private ToMemory(long task) {
            this.task = task;
        }

        @Override
        public ByteBuffer room(int length) {
            if (chunk.remaining() < length) {
                ByteBuffer next = length > Memory.CHUNK ? null : memory.take();
                if (next == null) {
                    return beyond.room(length);
                }
                chunk = next;
            }
            return chunk.slice(chunk.position(), length).order(ByteOrder.LITTLE_ENDIAN);
        }

        @Override
        public void send(int number, ByteBuffer part, DataOutputStream out) throws IOException {
            if (!part.isDirect()) {
                beyond.send(number, part, out);
                return;
            }
            chunk.position(chunk.position() + part.limit());
            parts.put(new Key(task, number), part.rewind());
            Parcel.writeHanded(task, out);
        }
    }

    /** All tasks have ended, and the parts are of no more use. */
    void release() {
        parts.clear();
        memory.reuse();
    }

    /** From now on nothing is left here; without {@link #release} before it, its memory is not used again. */
    @Override
    public void close() {
        OPEN.remove(round);
    }
}
