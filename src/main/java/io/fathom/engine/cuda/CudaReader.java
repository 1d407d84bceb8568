package io.fathom.engine.cuda;

import static org.bytedeco.cuda.global.cudart.*;

import io.fathom.engine.EngineException;
import io.fathom.engine.Precision;
import io.fathom.engine.SessionOptions;
import io.fathom.engine.TokenReader;
import io.fathom.model.ModelSpec;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Reads tokens on a GPU. Weights, keys, values and logits stay there; a pass of up to {@link PassLayout#MOST_ROWS} rows
 * is one graph launch with a copy in at its beginning and one out at its end, whatever routes the rows take.
 *
 * <p>Weights of products are bfloat16 in {@link Precision#BF16} and float otherwise; everything else is float, and
 * products of float are exact to float in every other precision.
 */
final class CudaReader implements TokenReader {
    private final ModelSpec spec;
    private final Device device;
    private final boolean narrow;
    private final DeviceLock.Hold hold;
    private final int routed;
    private final CUstream_st stream = new CUstream_st();
    private final Kernels kernels;
    private final ReaderWeights weights;
    private final Pointer work = new Pointer();
    private final Pointer sent = new Pointer();
    private final Pointer received = new Pointer();
    private final ReaderPass.Places places;
    private final ReaderPass pass;
    private final Set<PassLayout> seen = new HashSet<>();
    private final Map<PassLayout, StepGraph> graphs = new HashMap<>();
    private final Deque<Pointer> free = new ArrayDeque<>();
    private final Map<Long, Pointer> taken = new HashMap<>();

    CudaReader(
            ModelSpec spec,
            float[] parameters,
            SessionOptions options,
            Device device,
            KernelCompiler compiler,
            DeviceLock.Hold hold) {
        this.spec = spec;
        this.device = device;
        this.hold = hold;
        this.narrow = options.precision() == Precision.BF16;
        this.routed = spec.routedBlocks().size();
        PassLayout largest = layout(PassLayout.MOST_ROWS, PassLayout.MOST_LOSSES, true, true);
        PassLayout logits = layout(PassLayout.MOST_ROWS, PassLayout.MOST_LOGITS, false, true);
        long workBytes = ReaderPass.Places.bytes(spec, largest, largest.deviceOutputBytes());
        require(workBytes);
        this.kernels = new Kernels(device, compiler.compile(new DecodingSource(spec, narrow), device.architecture()));
        Cuda.check(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking), "cudaStreamCreate");
        this.weights = new ReaderWeights(spec, parameters, narrow, kernels, stream);
        Cuda.check(cudaMalloc(work, workBytes), "cudaMalloc of " + workBytes + " bytes");
        poison(work, workBytes);
        Cuda.check(cudaMallocHost(sent, largest.inputBytes()), "cudaMallocHost");
        Cuda.check(cudaMallocHost(received, Math.max(largest.outputBytes(), logits.outputBytes())), "cudaMallocHost");
        this.places = ReaderPass.Places.from(work.address(), spec, largest, largest.deviceOutputBytes());
        this.pass = new ReaderPass(spec, kernels, weights, stream, places);
    }

    private void require(long workBytes) {
        long needed = ReaderWeights.bytes(spec, narrow) + workBytes + memoryBytes();
        long there = device.freeBytes();
        if (needed > there) {
            throw new EngineException(String.format(
                    Locale.ROOT,
                    "engine cuda: reading tokens needs %.1f GiB, %.1f GiB free: set engine.precision = bf16,"
                            + " or engine.name = cpu",
                    needed / (double) (1L << 30),
                    there / (double) (1L << 30)));
        }
    }

    private PassLayout layout(int rows, int heads, boolean losses, boolean predictor) {
        return PassLayout.of(rows, heads, losses, predictor, routed, spec.vocabulary());
    }

    /** Of one sequence. */
    private long memoryBytes() {
        return 8L * spec.blocks() * spec.context() * spec.width();
    }

    @Override
    public ModelSpec spec() {
        return spec;
    }

    @Override
    public String description() {
        return CudaEngine.description(device) + ", " + (narrow ? "bf16" : "float32") + " weights";
    }

    @Override
    public synchronized Memory begin() {
        device.use();
        Pointer room = free.poll();
        if (room == null) {
            room = new Pointer();
            int code = cudaMalloc(room, memoryBytes());
            if (code != 0) {
                throw new EngineException(String.format(
                        Locale.ROOT,
                        "engine cuda: no room for another sequence's keys and values, %.2f GiB, beside those of %d:"
                                + " read fewer texts at a time, or set engine.name = cpu",
                        memoryBytes() / (double) (1L << 30),
                        taken.size()));
            }
            poison(room, memoryBytes());
        }
        taken.put(room.address(), room);
        return new ReaderMemory(this, room.address(), routed);
    }

    /** Fills memory with NaN, so that a kernel which reads what none has written shows in every result. */
    private void poison(Pointer room, long bytes) {
        Cuda.check(cudaMemsetAsync(room, 0xff, bytes, stream), "cudaMemset");
    }

    /** Takes a sequence's room back. */
    synchronized void release(long address) {
        Pointer room = taken.remove(address);
        if (room != null) {
            free.push(room);
        }
    }

    @Override
    public synchronized Reading read(Text text, Rule rule, Wanted wanted) {
        Rows rows = Rows.of(this, text);
        boolean losses = wanted.losses();
        int most = losses ? PassLayout.MOST_LOSSES : PassLayout.MOST_LOGITS;
        Reading reading = new Reading(
                new float[losses ? 0 : wanted.rows().length][],
                new double[losses ? wanted.rows().length : 0],
                new boolean[routed][rows.count()]);
        int head = 0;
        for (int from = 0; from < rows.count(); ) {
            int to = Math.min(rows.count(), from + PassLayout.MOST_ROWS);
            if (head + most < wanted.rows().length) {
                to = Math.min(to, wanted.rows()[head + most]);
            }
            int heads = head;
            while (heads < wanted.rows().length && wanted.rows()[heads] < to) {
                heads++;
            }
            PassLayout layout = layout(to - from, heads - head, losses, rule.predictor());
            send(layout, rows, from, to, rule.thresholds(), wanted, head, heads);
            run(layout);
            receive(layout, from, to, head, heads, reading);
            rows.advance(from, to, reading.entered());
            from = to;
            head = heads;
        }
        return reading;
    }

    @Override
    public synchronized double[] calibrate(Text text, boolean predictor, ToDoubleFunction<double[]> boundary) {
        double[] thresholds = new double[routed];
        Arrays.fill(thresholds, Double.MAX_VALUE);
        for (int index = 0; index < routed; index++) {
            // The signals of a block follow from the routes before it: one pass for each, from the beginning.
            Rows rows = Rows.of(this, text);
            double[] signals = new double[rows.count()];
            boolean[][] entered = new boolean[routed][rows.count()];
            Reading reading = new Reading(new float[0][], new double[0], entered);
            rows.forget();
            for (int from = 0; from < rows.count(); from += PassLayout.MOST_ROWS) {
                int to = Math.min(rows.count(), from + PassLayout.MOST_ROWS);
                PassLayout layout = layout(to - from, 0, false, predictor);
                send(layout, rows, from, to, thresholds, Wanted.logits(), 0, 0);
                run(layout);
                receive(layout, from, to, 0, 0, reading);
                rows.advance(from, to, entered);
                for (int row = from; row < to; row++) {
                    signals[row] = new FloatPointer(received).get(layout.signal(index, row - from));
                }
            }
            thresholds[index] = boundary.applyAsDouble(signals);
        }
        return thresholds;
    }

    private void send(
            PassLayout layout, Rows rows, int from, int to, double[] thresholds, Wanted wanted, int head, int heads) {
        IntPointer ints = new IntPointer(sent);
        ints.put(0, to - from).put(1, heads - head);
        LongPointer longs = new LongPointer(sent);
        int first = 0;
        for (int row = from; row < to; row++) {
            int r = row - from;
            ReaderMemory memory = rows.memories()[row];
            first = r > 0 && memory == rows.memories()[row - 1] ? first : r;
            longs.put(layout.memory(r) / 2, memory.address());
            ints.put(layout.token(r), rows.tokens()[row]);
            ints.put(layout.position(r), memory.length() + r - first);
            ints.put(layout.first(r), first);
            for (int index = 0; index < routed; index++) {
                ints.put(layout.before(index, r), memory.entered(index));
            }
        }
        for (int h = head; h < heads; h++) {
            ints.put(layout.head(h - head), wanted.rows()[h] - from);
            ints.put(layout.target(h - head), layout.losses() ? wanted.targets()[h] : 0);
        }
        FloatPointer floats = new FloatPointer(sent);
        for (int index = 0; index < routed; index++) {
            floats.put(layout.threshold(index), below(thresholds[index]));
        }
    }

    /** The largest float that is not above {@code threshold}: a float exceeds both or neither. */
    static float below(double threshold) {
        float rounded = (float) threshold;
        return rounded > threshold ? Math.nextDown(rounded) : rounded;
    }

    private void run(PassLayout layout) {
        device.use();
        StepGraph graph = graphs.get(layout);
        // The first time as single launches, which suits a layout that does not come back: a prompt's.
        if (graph == null && !seen.add(layout)) {
            graph = StepGraph.capture(stream, () -> enqueue(layout));
            graphs.put(layout, graph);
        }
        if (graph == null) {
            enqueue(layout);
        } else {
            graph.launch(stream);
        }
        Cuda.check(cudaStreamSynchronize(stream), "reading tokens");
    }

    private void enqueue(PassLayout layout) {
        Cuda.check(
                cudaMemcpyAsync(Cuda.at(places.input()), sent, layout.inputBytes(), cudaMemcpyHostToDevice, stream),
                "cudaMemcpyAsync");
        pass.enqueue(layout);
        if (layout.outputBytes() > 0) {
            Cuda.check(
                    cudaMemcpyAsync(
                            received, Cuda.at(places.output()), layout.outputBytes(), cudaMemcpyDeviceToHost, stream),
                    "cudaMemcpyAsync");
        }
    }

    private void receive(PassLayout layout, int from, int to, int head, int heads, Reading reading) {
        IntPointer ints = new IntPointer(received);
        FloatPointer floats = new FloatPointer(received);
        for (int index = 0; index < routed; index++) {
            for (int row = from; row < to; row++) {
                reading.entered()[index][row] = ints.get(layout.entered(index, row - from)) != 0;
            }
        }
        for (int h = head; h < heads; h++) {
            if (layout.losses()) {
                reading.losses()[h] = floats.get(layout.loss(h - head));
            } else {
                reading.logits()[h] = new float[spec.vocabulary()];
                floats.position(layout.logits(h - head)).get(reading.logits()[h]);
                floats.position(0);
            }
        }
    }

    @Override
    public synchronized void close() {
        device.use();
        cudaStreamSynchronize(stream);
        graphs.values().forEach(StepGraph::close);
        List.of(free, taken.values()).forEach(rooms -> rooms.forEach(room -> cudaFree(room)));
        free.clear();
        taken.clear();
        cudaFreeHost(sent);
        cudaFreeHost(received);
        cudaFree(work);
        weights.close();
        kernels.close();
        cudaStreamDestroy(stream);
        hold.close();
    }

    /** The tokens of a text one after the other. */
    private record Rows(ReaderMemory[] memories, int[] tokens) {
        static Rows of(CudaReader reader, Text text) {
            int count = text.rows();
            Rows rows = new Rows(new ReaderMemory[count], new int[count]);
            int row = 0;
            for (int s = 0; s < text.tokens().length; s++) {
                if (!(text.memories().get(s) instanceof ReaderMemory memory) || memory.reader() != reader) {
                    throw new IllegalArgumentException("sequence " + s + " is of another reader");
                }
                for (int token : text.tokens()[s]) {
                    rows.memories[row] = memory;
                    rows.tokens[row++] = token;
                }
            }
            return rows;
        }

        int count() {
            return tokens.length;
        }

        /** Notes that rows {@code from} to {@code to} were read, and what they entered. */
        void advance(int from, int to, boolean[][] entered) {
            for (int row = from; row < to; row++) {
                memories[row].append();
                for (int index = 0; index < entered.length; index++) {
                    if (entered[index][row]) {
                        memories[row].enter(index);
                    }
                }
            }
        }

        /** Lets every sequence begin anew. */
        void forget() {
            for (ReaderMemory memory : memories) {
                memory.forget();
            }
        }
    }
}
