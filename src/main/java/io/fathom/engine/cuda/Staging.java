package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.*;

import io.fathom.model.Batch;
import io.fathom.model.Noise;
import io.fathom.program.Program;
import java.util.List;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;

/** Pinned host memory through which batches, vectors and the update's numbers travel. */
final class Staging implements AutoCloseable {
    private static final int CHUNK = 1 << 21;
    private static final int SLOTS = 2;
    /** Of the Update structure: its numbers, after which come the addresses of the two moments. */
    private static final int UPDATE_NUMBER_BYTES = 56;

    static final int UPDATE_BYTES = UPDATE_NUMBER_BYTES + 2 * Long.BYTES;

    private final CUstream_st stream;
    private final int tokens;
    private final int vocabulary;
    private final TokenOrder order;
    private final Pointer[] batches = new Pointer[SLOTS];
    private final CUevent_st[] sent = new CUevent_st[SLOTS];
    private final Pointer chunk = new Pointer();
    private final Pointer update = new Pointer();
    private final List<Integer> noise;
    private int slot;

    Staging(Program program, List<Integer> noise, CUstream_st stream) {
        this.noise = noise;
        this.stream = stream;
        this.tokens = program.tokens();
        this.vocabulary = program.spec().vocabulary();
        this.order = new TokenOrder(vocabulary, tokens);
        for (int i = 0; i < SLOTS; i++) {
            batches[i] = new Pointer();
            pin(batches[i], bytes(tokens, noise.size()));
            sent[i] = new CUevent_st();
            Cuda.check(cudaEventCreateWithFlags(sent[i], cudaEventDisableTiming), "cudaEventCreate");
        }
        pin(chunk, 4L * CHUNK);
        pin(update, UPDATE_BYTES);
    }

    private static void pin(Pointer to, long bytes) {
        Cuda.check(cudaMallocHost(to, bytes), "cudaMallocHost of " + bytes + " bytes");
    }

    /** Enqueues the copy of {@code batch} and its token order to {@code inputs}; returns before it is done. */
    void send(Batch batch, long inputs) {
        require(batch.tokens(), "token");
        require(batch.targets(), "target");
        slot = (slot + 1) % SLOTS;
        Cuda.check(cudaEventSynchronize(sent[slot]), "waiting for a staged batch");
        IntPointer to = new IntPointer(batches[slot]);
        to.position(0).put(batch.tokens(), 0, tokens);
        to.position(tokens).put(batch.targets(), 0, tokens);
        to.position(2L * tokens).put(order.of(batch.tokens()), 0, tokens);
        sendNoise(batch.seed());
        copy(Cuda.at(inputs), batches[slot], bytes(tokens, noise.size()), cudaMemcpyHostToDevice);
        Cuda.check(cudaEventRecord(sent[slot], stream), "cudaEventRecord");
    }

    private void sendNoise(long seed) {
        FloatPointer to = new FloatPointer(batches[slot]);
        for (int i = 0; i < noise.size(); i++) {
            for (int position = 0; position < tokens; position++) {
                float gaussian = (float) Noise.gaussian(seed, noise.get(i), position);
                to.put((3L + i) * tokens + position, gaussian);
            }
        }
    }

    /** Bytes of a staged batch with {@code noise} blocks of Gaussian numbers. */
    static long bytes(int tokens, int noise) {
        return 4L * tokens * (3 + noise);
    }

    private void require(int[] ids, String kind) {
        for (int id : ids) {
            if (id < 0 || id >= vocabulary) {
                throw new IllegalArgumentException(kind + " " + id + ": must be in [0, " + vocabulary + ")");
            }
        }
    }

    /** Copies the first {@code length} of {@code values} to device address {@code to}. */
    void write(float[] values, int length, long to) {
        for (int first = 0; first < length; first += CHUNK) {
            int count = Math.min(CHUNK, length - first);
            new FloatPointer(chunk).put(values, first, count);
            copy(Cuda.at(to + 4L * first), chunk, 4L * count, cudaMemcpyHostToDevice);
            synchronize();
        }
    }

    /** Copies {@code length} floats from device address {@code from} into {@code values}. */
    void read(long from, float[] values, int length) {
        for (int first = 0; first < length; first += CHUNK) {
            int count = Math.min(CHUNK, length - first);
            copy(chunk, Cuda.at(from + 4L * first), 4L * count, cudaMemcpyDeviceToHost);
            synchronize();
            new FloatPointer(chunk).get(values, first, count);
        }
    }

    /** Copies {@code bytes} from device address {@code from}. */
    byte[] read(long from, long bytes) {
        byte[] all = new byte[Math.toIntExact(bytes)];
        for (int first = 0; first < all.length; first += 4 * CHUNK) {
            int count = Math.min(4 * CHUNK, all.length - first);
            copy(chunk, Cuda.at(from + first), count, cudaMemcpyDeviceToHost);
            synchronize();
            new org.bytedeco.javacpp.BytePointer(chunk).get(all, first, count);
        }
        return all;
    }

    /** Enqueues the update's numbers to device address {@code to}. */
    void sendUpdate(long to, float... numbers) {
        new FloatPointer(update).put(numbers, 0, numbers.length);
        copy(Cuda.at(to), update, 4L * numbers.length, cudaMemcpyHostToDevice);
    }

    /** Waits for the update at {@code from} and returns float {@code index} of it. */
    float receiveUpdate(long from, int index) {
        copy(update, Cuda.at(from), UPDATE_NUMBER_BYTES, cudaMemcpyDeviceToHost);
        synchronize();
        return new FloatPointer(update).get(index);
    }

    /** Sends the addresses of the moments to the update at {@code to}. */
    void sendMoments(long to, long first, long second) {
        new LongPointer(update).put(new long[] {first, second}, 0, 2);
        copy(Cuda.at(to + UPDATE_NUMBER_BYTES), update, 2L * Long.BYTES, cudaMemcpyHostToDevice);
        synchronize();
    }

    private void copy(Pointer to, Pointer from, long bytes, int direction) {
        Cuda.check(cudaMemcpyAsync(to, from, bytes, direction, stream), "cudaMemcpyAsync");
    }

    /** Waits for everything enqueued. */
    void synchronize() {
        Cuda.check(cudaStreamSynchronize(stream), "the step");
    }

    @Override
    public void close() {
        for (int i = 0; i < SLOTS; i++) {
            cudaFreeHost(batches[i]);
            cudaEventDestroy(sent[i]);
        }
        cudaFreeHost(chunk);
        cudaFreeHost(update);
    }
}
